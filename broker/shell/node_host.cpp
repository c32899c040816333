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
  if (status_log_.last().pair_state == repl::PairState::solo) return 0;
  const Lsn unsent = replicator_->unsent();
  if (unsent != 0) return unsent;
  std::string body;
  put_le(body, turn_.now());
  return append(static_cast<core::Kind>(repl::ControlKind::still_reigns), body);
}

void Node::status_changed(const repl::ReplicaStatus& status) {
  turn_.begin(clock_);
  status_log_.look(status, monotonic_ns());
  // Not yet there while it is being opened.
  if (replicator_) meeting_log_.look(config_.replication.peer_name, replicator_->meeting());
  const bool leads = status.role == repl::Role::primary;
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
  batch_ = {};
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
  batch_ = {};
  switching_over_ = false;
}

}  // namespace tandemq::broker
