#include "failover/shell/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "broker/base/exit_code.h"
#include "broker/support/scrape_server.h"

namespace tandemq::failover {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

const Histogram::BucketBoundaries kSeconds = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,
                                              0.2,   0.3,   0.4,   0.5,  1,    2,    5};

}  // namespace

struct AgentMetrics::Impl {
  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  Family<Gauge>& gauge(const char* name, const char* help) {
    return BuildGauge().Name(name).Help(help).Register(*registry);
  }
  Family<Counter>& counter(const char* name, const char* help) {
    return BuildCounter().Name(name).Help(help).Register(*registry);
  }
  Histogram& histogram(const char* name, const char* help) {
    return BuildHistogram().Name(name).Help(help).Register(*registry).Add({}, kSeconds);
  }

  Family<Gauge>& state = gauge("tandemq_agent_state", "1 for the state the agent is in");
  Family<Gauge>& vrrp = gauge("tandemq_agent_vrrp_state", "1 for keepalived's state");
  Family<Gauge>& up = gauge("tandemq_agent_up", "1 for each part that is there");
  Family<Gauge>& heard = gauge("tandemq_agent_peer_heard_age_seconds",
                               "since the peer's agent was heard, by path; -1 never");
  Gauge& role_age = gauge("tandemq_agent_state_age_seconds", "age of the state").Add({});
  Gauge& settings_differ =
      gauge("tandemq_agent_settings_differ", "settings that differ from the peer's and should not")
          .Add({});
  Gauge& peer_refused =
      gauge("tandemq_agent_peer_refused", "1 while what the peer's agent says is not taken")
          .Add({});
  Gauge& impairments = gauge("tandemq_agent_impairments",
                             "what keeps a failover from succeeding now: status names each")
                           .Add({});
  Family<Counter>& transitions =
      counter("tandemq_agent_transitions_total", "changes of state, by new state and cause");
  Counter& alarms =
      counter("tandemq_agent_alarms_total", "what an operator should look at").Add({});
  Counter& tampered = counter("tandemq_agent_track_file_repaired_total",
                              "the track file was not what the agent had written")
                          .Add({});
  Counter& lower =
      counter("tandemq_agent_vrrp_lower_priority_total", "two nodes held the address for a moment")
          .Add({});
  Family<Counter>& refused =
      counter("tandemq_agent_datagrams_refused_total", "not the peer's, by path");
  Family<Counter>& failovers = counter("tandemq_agent_failovers_total",
                                       "times that this node took over from its peer, by cause");
  Family<Histogram>& phases =
      BuildHistogram()
          .Name("tandemq_agent_failover_phase_seconds")
          .Help("parts of taking over: detection, promotion, first_client, sessions_95")
          .Register(*registry);
  Histogram& late =
      histogram("tandemq_agent_tick_late_seconds", "how late a tick of the loop came");
  std::unique_ptr<ScrapeServer> server;  // asks the registry
};

AgentMetrics::AgentMetrics(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AgentMetrics::~AgentMetrics() = default;

Result<std::unique_ptr<AgentMetrics>> AgentMetrics::open(const std::string& listen) {
  auto impl = std::make_unique<Impl>();
  if (!listen.empty()) {
    Result<std::unique_ptr<ScrapeServer>> server =
        ScrapeServer::open(listen, [registry = impl->registry] {
          return prometheus::TextSerializer().Serialize(registry->Collect());
        });
    if (!server) {
      return Error{"cannot serve metrics on " + listen + ": " + server.error().message +
                       "; free the port, or set metrics.listen to another one or to \"\" for none",
                   kExitEnvironment};
    }
    impl->server = std::move(*server);
  }
  return std::unique_ptr<AgentMetrics>(new AgentMetrics(std::move(impl)));
}

void AgentMetrics::refresh(const State& s, const std::vector<PeerLink::PathFigures>& paths,
                           const PeerLink::Meeting& meeting, std::size_t impairments) {
  const Facts& f = s.facts;
  for (unsigned i = 0; i < kPhases; ++i) {
    const Phase phase = static_cast<Phase>(i);
    impl_->state.Add({{"state", to_string(phase)}}).Set(phase == s.phase);
  }
  for (Vrrp v : {Vrrp::unknown, Vrrp::backup, Vrrp::master, Vrrp::fault}) {
    impl_->vrrp.Add({{"state", to_string(v)}}).Set(v == f.vrrp);
  }
  const auto part = [&](const char* name, bool there) {
    impl_->up.Add({{"part", name}}).Set(there);
  };
  part("broker", f.broker_alive);
  part("broker_control", f.broker_connected);
  part("keepalived", f.keepalived_alive);
  part("interface", f.interface_up);
  part("gateway", f.gateway_answers);
  part("address", f.holds_address);
  part("eligible", s.eligible);
  for (const auto& path : paths) {
    const double age = path.heard_at == 0
                           ? -1.0
                           : static_cast<double>(f.now - std::min(f.now, path.heard_at)) / 1000.0;
    impl_->heard.Add({{"path", path.address}}).Set(age);
    Counter& refused = impl_->refused.Add({{"path", path.address}});
    refused.Increment(static_cast<double>(path.refused) - refused.Value());
  }
  impl_->settings_differ.Set(static_cast<double>(meeting.differences.size()));
  impl_->peer_refused.Set(meeting.refused.empty() ? 0 : 1);
  impl_->impairments.Set(static_cast<double>(impairments));
  impl_->role_age.Set(static_cast<double>(f.now - s.since) / 1000.0);
}

void AgentMetrics::transition(Phase to, EventKind cause) {
  impl_->transitions.Add({{"to", to_string(to)}, {"cause", to_string(cause)}}).Increment();
}
void AgentMetrics::alarm() {
  impl_->alarms.Increment();
}
void AgentMetrics::tampered() {
  impl_->tampered.Increment();
}
void AgentMetrics::lower_priority_master() {
  impl_->lower.Increment();
}
void AgentMetrics::failover(const std::string& cause) {
  impl_->failovers.Add({{"cause", cause}}).Increment();
}
void AgentMetrics::phase(const char* name, std::int64_t ms) {
  if (ms >= 0)
    impl_->phases.Add({{"phase", name}}, kSeconds).Observe(static_cast<double>(ms) / 1000.0);
}
void AgentMetrics::loop_late(double seconds) {
  impl_->late.Observe(seconds);
}

}  // namespace tandemq::failover
