#include "broker/shell/node.h"

#include <event2/event.h>

#include <algorithm>
#include <utility>

#include "broker/clients/client_log.h"
#include "broker/shell/expiry.h"
#include "broker/support/endpoint.h"
#include "broker/support/log.h"
#include "broker/support/service_notify.h"

namespace tandemq::broker {
namespace {

constexpr std::uint64_t kTicksPerSecond = 10;
constexpr std::size_t kExpiryBudget = 2'000;  // records a tick

}  // namespace

int Node::run() {
  notify_ready();
  while (stopping_ != Stopping::stopped) {
    // Work is left over when a callback had done its share, or when ending a turn made records.
    const bool busy = clients_.has_backlog() || commit_.is_open();
    event_base_loop(base_, EVLOOP_ONCE | (busy ? EVLOOP_NONBLOCK : 0));
    clients_.work_backlog();
    end_of_turn();
    if (stopping_ != Stopping::no) continue_stopping();
  }
  notify_stopping();
  control_->flush();
  log(LogLevel::notice, "stopped", {{"exit_code", exit_code_}});
  return exit_code_;
}

void Node::end_of_turn() {
  busy_.clear();
  if (commit_.is_open()) {
    commit_.end_turn();
    clients_.uncommitted(commit_.uncommitted_bytes());
  }
  replicator_->end_of_turn();
  clients_.end_turn();
  if (!turn_.begun()) return;
  memory_.look(turn_.mono_ns());
  const std::uint64_t length = turn_.end();
  turn_length_.observe_ns(length);
  turn_ns_max_ = std::max(turn_ns_max_, length);
}

void Node::tick() {
  turn_.begin(clock_);
  if (engine_ && !turn_.catching_up()) {
    engine_->expire(turn_.now(), kExpiryBudget, effects_);
    clients_.put(effects_);
  }
  clients_.tick();
  admission_.go_on(turn_.mono_ns());
  control_->announce();
  if (++ticks_ % kTicksPerSecond == 0) every_second();
}

void Node::every_second() {
  ++seconds_;
  notify_watchdog();
  clients_.sweep();
  listeners_.retry();
  if (!engine_ && stopping_ == Stopping::no) hold_ports();
  const NodeStatus now = status();
  if (!now.single && peer_absence_.tick(now.replica.peer_connected)) tell_peer_absence(now);
  if (engine_) tell_denials(engine_->take_denials());
  if (metrics_) metrics_->publish(now);
  if (engine_ && sys_topics_.is_due(seconds_)) {
    sys_topics_.publish(now, *engine_, turn_.now(), effects_);
    clients_.put(effects_);
  }
  if (seconds_ % std::uint64_t{kSecondsPerDay} == 0) tell_expiry(uses_of(*fronts_, link_tls_));
  if (seconds_ % config_.checkpoint.interval_s == 0) {
    checkpoint([](const Result<Lsn>&) {});
  }
}

// Who waits has a descriptor, as who is in: together they are no more than the listeners may have.
void Node::admit(std::size_t entrance, std::unique_ptr<net::Transport> transport) {
  std::size_t most = 0;
  for (const ListenerSection& one : config_.listeners) most += one.connections_max;
  if (admission_.waiting() == 0 || admission_.waiting() + clients_.size() < most)
    return admission_.come(entrance, std::move(transport), monotonic_ns());
  log(LogLevel::warning, "connection_refused",
      {{"address", transport->peer_address()},
       {"reason", "too many wait already for limits.connect_rate_max"}});
}

// A standby that could not serve is none.
void Node::hold_ports() {
  Status held = listeners_.hold();
  if (held) return;
  log(LogLevel::error, "listener_failed", {{"reason", held.error().message}});
  stop_with(held.error().code);
}

void Node::tell_peer_absence(const NodeStatus& now) const {
  const repl::ReplicatorConfig& replication = config_.replication;
  log(LogLevel::warning, "peer_missing",
      {{"peer", now.peer},
       {"address", shown({replication.peer_address, replication.peer_port})},
       {"seconds", peer_absence_.seconds()},
       {"reason", now.replica.reason},
       {"remedy",
        "see whether tandemqd runs there, and compare replication.listen, peer_address and pair_id "
        "of both nodes; one must have node.index 1, the other 2"}});
}

}  // namespace tandemq::broker
