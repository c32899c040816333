#include "failover/shell/agent.h"

#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "broker/support/log.h"
#include "broker/support/service_notify.h"
#include "failover/shell/keepalived_conf.h"
#include "failover/shell/status_parse.h"

namespace tandemq::failover {
namespace {

constexpr std::uint64_t kTickMs = 10;
constexpr std::uint64_t kRefreshMs = 200;
constexpr std::uint64_t kGatewayMs = 250;

// JSON numbers are exact up to 2^53.
std::uint64_t random_boot() {
  std::uint64_t boot = 0;
  if (getrandom(&boot, sizeof(boot), 0) != sizeof(boot)) boot = wall_ms();
  return (boot >> 12) + 1;
}

std::unique_ptr<Authority> authority_of(const AgentConfig& config) {
  if (config.authority == "manual") return std::make_unique<ManualAuthority>();
  return std::make_unique<TimeoutAuthority>();
}

}  // namespace

Agent::Agent(event_base* base, const AgentConfig& config)
    : base_(base),
      config_(config),
      memory_(config.memory_file()),
      life_before_(memory_.read()),
      // As it is: a restart of the agent must move nothing.
      machine_(config.settings(random_boot()), authority_of(config), boottime_ms(),
               TrackFile::read(config.track_file()).eligible,
               TrackFile::read(config.track_file()).claim, life_before_.memory),
      history_(config.state_dir + "/history.jsonl"),
      webhook_(config.webhook_url),
      keepalived_(base, config.keepalived_pid_file,
                  [this](bool alive) {
                    post(alive ? EventKind::keepalived_up : EventKind::keepalived_lost);
                  }),
      broker_(base,
              {config.broker_socket, config.health_interval_ms, config.health_timeout_ms, 200},
              [this](EventKind kind, const decltype(Event::data)& data) { on_broker(kind, data); }),
      tick_(base, [this] { tick(); }),
      heartbeat_(base, [this] { peer_->send(); }),
      refresh_(base, [this] { refresh(); }) {}

Result<std::unique_ptr<Agent>> Agent::open(event_base* base, const AgentConfig& config) {
  std::unique_ptr<Agent> agent(new Agent(base, config));
  Status started = agent->start();
  if (!started) return started.error();
  return agent;
}

// systemd has made them already. Only the run folder is one that the agent cannot do without.
void Agent::make_folders() const {
  std::error_code error;
  std::filesystem::create_directories(config_.run_dir, error);
  std::filesystem::create_directories(config_.state_dir, error);
  if (access(config_.state_dir.c_str(), W_OK) == 0) return;
  log(LogLevel::warning, "history_not_kept",
      {{"reason",
        "node.state_dir " + config_.state_dir + " cannot be written: " + std::strerror(errno)},
       {"remedy",
        "create it and let the agent's user write to it, or the history ends with the "
        "process"}});
}

Status Agent::start() {
  Result<std::unique_ptr<ControlServer>> control = ControlServer::open(
      base_, config_.control_socket,
      [this](ControlServer::ClientId client, std::string_view line) { on_line(client, line); },
      [this](ControlServer::ClientId client) {
        std::erase_if(requests_, [&](const auto& r) { return r.second.first == client; });
      });
  if (!control) return control.error();
  control_ = std::move(control).value();
  Result<std::unique_ptr<AgentMetrics>> metrics = AgentMetrics::open(config_.metrics_listen);
  if (!metrics) return metrics.error();
  metrics_ = std::move(metrics).value();
  make_folders();
  if (keepalived_conf_differs(config_)) {
    log(LogLevel::warning, "keepalived_conf_differs",
        {{"reason", config_.keepalived_conf + " is not what this configuration asks for"},
         {"remedy",
          "run tandemq-agent --write-keepalived and restart keepalived, the standby's first"}});
  }
  history_.load();
  timeline_ = std::make_unique<Timeline>(history_, *metrics_);

  Result<std::unique_ptr<TrackFile>> track = TrackFile::open(
      base_, config_.track_file(), {machine_.state().eligible, machine_.state().claim},
      [this](const std::string& found) {
        // keepalived itself empties it and writes that when it starts, for root's eyes alone.
        const bool initial =
            found == std::to_string(TrackFile::kFaultValue) || found == std::strerror(EACCES);
        if (initial || !machine_.state().facts.keepalived_alive) return;
        metrics_->tampered();
        log(LogLevel::warning, "track_file_repaired",
            {{"found", found}, {"reason", "somebody else has changed the track file"}});
      });
  if (!track) return track.error();
  track_ = std::move(track).value();

  Result<std::unique_ptr<NotifyFifo>> fifo =
      NotifyFifo::open(base_, config_.notify_fifo(), kVrrpInstance,
                       [this](const Notification& n) { on_notification(n); });
  if (!fifo) return fifo.error();
  fifo_ = std::move(fifo).value();
  return start_network();
}

Status Agent::start_network() {
  Result<std::unique_ptr<AddressWatch>> address =
      AddressWatch::open(base_, config_.interface, config_.addresses,
                         {[this](bool up) { post(EventKind::interface, up); },
                          [this](bool holds) { post(EventKind::address, holds); },
                          [this] { care_.interface_replaced(); }});
  if (!address) return address.error();
  address_ = std::move(address).value();
  announcer_ = std::make_unique<Announcer>(base_, config_.interface, config_.addresses,
                                           [this] { return address_->holds(); });

  Result<std::unique_ptr<PeerLink>> peer = PeerLink::open(
      base_,
      {config_.node, config_.peer, config_.listen, config_.peer_addresses, config_.secret,
       machine_.settings().boot, config_.index, config_.shared_settings()},
      [this] { return report_of(machine_.state(), machine_.settings()); },
      [this](EventKind kind, const PeerReport& report) { post(kind, report); });
  if (!peer) return peer.error();
  peer_ = std::move(peer).value();

  if (!config_.gateway.empty()) {
    Result<std::unique_ptr<Gateway>> gateway =
        Gateway::open(base_, config_.gateway, kGatewayMs,
                      [this](bool answers) { post(EventKind::gateway, answers); });
    if (!gateway) return gateway.error();
    gateway_ = std::move(gateway).value();
  }
  keepalived_.start();
  broker_.start(life_before_.broker);
  ticked_at_ = boottime_ms();
  tick_.every(kTickMs);
  heartbeat_.every(config_.heartbeat_ms);
  refresh_.every(kRefreshMs);
  peer_->send();
  return Done{};
}

void Agent::post(EventKind kind, decltype(Event::data) data) {
  queue_.push_back({kind, boottime_ms(), std::move(data)});
  if (handling_) return;
  handling_ = true;
  while (!queue_.empty()) {
    const Event event = std::move(queue_.front());
    queue_.pop_front();
    const Actions actions = machine_.handle(event);
    memory_.keep({memory_of(machine_.state()), broker_.process()});
    carry_out(actions);
  }
  handling_ = false;
}

void Agent::carry_out(const Actions& actions) {
  for (const Action& action : actions) carry_out(action);
}

void Agent::carry_out(const Action& a) {
  switch (a.kind) {
    case ActionKind::order_broker:
      log(LogLevel::info, "order", {{"order", to_string(a.order)}, {"reason", a.why}});
      return broker_.order(a);
    case ActionKind::kill_broker:
      log(LogLevel::warning, "kill_broker", {{"pid", broker_.pid()}, {"reason", a.why}});
      return broker_.kill();
    case ActionKind::set_track:
      log(LogLevel::info, "track_file",
          {{"eligible", a.on}, {"claim", a.claim}, {"reason", a.why}});
      return track_->set({a.on, a.claim});
    case ActionKind::take_address:
      log(LogLevel::notice, "take_address",
          {{"reason", "the peer is silent, only its keepalived may still live"}});
      return address_->add();
    case ActionKind::remove_address:
      log(LogLevel::warning, "remove_address", {{"reason", a.why}});
      return address_->remove();
    case ActionKind::announce:
      log(LogLevel::info, "announce", {{"reason", "the address is served here and nowhere else"}});
      return announcer_->announce();
    case ActionKind::send_report:
      return peer_->send();
    case ActionKind::ask_status:
      return broker_.ask_status();
    case ActionKind::transition:
      return on_transition(a);
    case ActionKind::alarm:
      metrics_->alarm();
      return log(LogLevel::warning, "alarm", {{"reason", a.why}});
    case ActionKind::reply:
      return reply(a);
  }
}

void Agent::on_transition(const Action& a) {
  log(LogLevel::notice, "state",
      {{"from", to_string(a.from)},
       {"to", to_string(a.to)},
       {"cause", to_string(a.cause)},
       {"reason", a.why}});
  metrics_->transition(a.to, a.cause);
  timeline_->transition(a, boottime_ms());
  webhook_.post(nlohmann::json{
      {"node", config_.node},
      {"time", rfc3339(wall_ms())},
      {"from", to_string(a.from)},
      {"to", to_string(a.to)},
      {"cause", to_string(a.cause)},
      {"reason",
       a.why}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  notify_status(std::string(to_string(a.to)) + ": " + a.why);
}

void Agent::on_broker(EventKind kind, const decltype(Event::data)& data) {
  if (timeline_ && (kind == EventKind::broker_status || kind == EventKind::broker_up)) {
    timeline_->status(broker_.status(), boottime_ms());
    if (peer_) peer_->set_checksums(checksums_of(broker_.status()));
  }
  post(kind, data);
}

void Agent::on_notification(const Notification& n) {
  if (n.alarm) {
    metrics_->lower_priority_master();
    log(LogLevel::warning, "two_masters",
        {{"reason",
          "keepalived heard a master of lower priority: both nodes held the "
          "address for a moment"}});
    return post(EventKind::two_masters);
  }
  log(LogLevel::info, "vrrp", {{"state", to_string(n.state)}});
  post(EventKind::vrrp, n.state);
}

void Agent::tick() {
  const TimeMs now = boottime_ms();
  if (now > ticked_at_ + kTickMs) {
    metrics_->loop_late(static_cast<double>(now - ticked_at_ - kTickMs) / 1000.0);
  }
  ticked_at_ = now;
  post(EventKind::tick);
}

void Agent::refresh() {
  const State& s = machine_.state();
  metrics_->refresh(s, peer_->paths(), peer_->meeting(), impairments().size());
  notify_watchdog();
  peer_->tell_absence();
  care_for_keepalived();
}

void Agent::care_for_keepalived() {
  const auto source_here = [this] {
    if (config_.unicast_source.empty()) return true;
    const Result<HostAddress> source = parse_address(config_.unicast_source);
    return source && is_here(*source, config_.interface);
  };
  switch (care_.judge(machine_.state(), source_here)) {
    case Cure::none:
      return;
    case Cure::touch:
      return track_->touch();
    case Cure::reload:
      log(LogLevel::notice, "keepalived_reloaded",
          {{"reason", config_.interface + " is another interface than the one it started with"}});
      return keepalived_.send(SIGHUP);
    case Cure::restart:
      log(LogLevel::warning, "keepalived_ended",
          {{"reason",
            "it stays in FAULT though interface and address are there, as one does that "
            "started before they were"},
           {"remedy", "systemd starts it again; without it, start keepalived"}});
      return keepalived_.send(SIGTERM);
  }
}

}  // namespace tandemq::failover
