// The replicator speaks to the node: records, commits, roles.
#include "broker/base/bytes.h"
#include "broker/base/check.h"
#include "broker/shell/node.h"
#include "broker/support/log.h"
#include "broker/support/service_notify.h"

namespace tandemq::broker {

// Whatever clients do, a record of the core fits a frame.
static_assert(core::kBodyMax + repl::kFrameHeader <= repl::kFrameMax);

Status Node::apply(const repl::FrameView& frame) {
  return state_.apply_encoded(frame.lsn, static_cast<core::Kind>(frame.kind), frame.body,
                              frame.version);
}

void Node::committed(Lsn lsn) {
  commit_timer_.committed(lsn, monotonic_ns());
  clients_.committed(lsn, commit_timer_.open_bytes());
}

// What a primary acknowledges that stood still while its peer was promoted, the peer does not know.
Lsn Node::prove_reign() {
  if (known_.pair_state == repl::PairState::solo) return 0;
  const Lsn unsent = replicator_->unsent();
  if (unsent != 0) return unsent;
  std::string body;
  put_le(body, turn_.now());
  return append(static_cast<core::Kind>(repl::ControlKind::still_reigns), body);
}

void Node::status_changed(const repl::ReplicaStatus& status) {
  turn_.begin(clock_);
  log_change(status);
  // Not yet there while it is being opened.
  if (replicator_) meeting_log_.look(config_.replication.peer_name, replicator_->meeting());
  const bool leads = status.role == repl::Role::primary;
  known_ = status;
  if (leads && !engine_) begin_reign(status);
  if (!leads && engine_) end_reign();
  notify_status(std::string(repl::to_string(status.role)) + ", " +
                repl::to_string(status.pair_state) + ": " + status.reason);
  if (control_ && replicator_) control_->announce();
}

void Node::begin_reign(const repl::ReplicaStatus& status) {
  reign_ns_ = monotonic_ns();
  clock_.not_before(state_.meta().time, reign_ns_);
  engine_ = std::make_unique<core::Engine>(state_, *this, config_.limits, access_->permissions(),
                                           counters_);
  appended_ = written_ = status.last;
  sys_topics_.forget();
  clients_.begin_reign(engine_.get(), status.committed);
  Status listening = listeners_.open();
  if (!listening) {
    log(LogLevel::error, "listener_failed", {{"reason", listening.error().message}});
    return stop_with(listening.error().code);
  }
  for (const ListenerSection& one : config_.listeners) {
    log(LogLevel::notice, "listening",
        {{"listener", one.name}, {"address", one.address}, {"port", one.port}});
  }
}

void Node::end_reign() {
  listeners_.close();
  clients_.end_reign(mqtt::Reason::server_shutting_down);
  engine_.reset();
  state_.demote();
  commit_timer_.forget();
  appended_ = written_ = 0;
  appended_bytes_ = 0;
  switching_over_ = false;
}

void Node::log_change(const repl::ReplicaStatus& status) {
  const bool role = status.role != known_.role;
  const bool pair_state = status.pair_state != known_.pair_state;
  const bool in_sync = status.in_sync != known_.in_sync;
  const bool link = status.peer_connected != known_.peer_connected;
  if (role || pair_state) changed_ns_ = monotonic_ns();
  role_changes_ += role;
  pair_state_changes_ += pair_state;
  if (!role && !pair_state && !in_sync && !link) return;
  log(LogLevel::notice,
      role         ? "role_changed"
      : pair_state ? "pair_state_changed"
      : in_sync    ? "in_sync_changed"
                   : "link_changed",
      {{"role", repl::to_string(status.role)},
       {"pair_state", repl::to_string(status.pair_state)},
       {"role_before", repl::to_string(known_.role)},
       {"pair_state_before", repl::to_string(known_.pair_state)},
       {"epoch", status.epoch},
       {"last_lsn", status.last},
       {"committed_lsn", status.committed},
       {"in_sync", status.in_sync},
       {"peer_connected", status.peer_connected},
       {"reason", status.reason}});
}

}  // namespace tandemq::broker
