// The replicator speaks to the node: records, commits, roles.
#include <unistd.h>

#include "broker/shell/first_words.h"
#include "broker/shell/node.h"
#include "broker/support/log.h"
#include "broker/support/service_notify.h"

namespace tandemq::broker {
namespace {

void tell_listening(const std::vector<ListenerSection>& listeners) {
  for (const ListenerSection& one : listeners) {
    log(LogLevel::notice, "listening",
        {{"listener", one.name},
         {"address", one.is_unix() ? one.socket.path : one.address},
         {"port", one.is_unix() ? 0 : one.port},
         {"lets_in", lets_in(one)}});
  }
}

}  // namespace

// Whatever clients do, a record of the core fits a frame.
static_assert(core::kBodyMax + repl::kFrameHeader <= repl::kFrameMax);

Status Node::apply(const repl::FrameView& frame) {
  return state_.apply_encoded(frame.lsn, static_cast<core::Kind>(frame.kind), frame.body,
                              frame.version);
}

void Node::committed(Lsn lsn) {
  commit_.committed(lsn, monotonic_ns());
  clients_.committed(lsn, commit_.uncommitted_bytes());
  account_orders_.committed(lsn);
}

void Node::release_snapshot(const SnapshotFile& file) {
  unlink(file.path.c_str());
}

// The agent must not take it for a hang.
void Node::stands_still(const char* for_what) {
  busy_ = for_what;
  notify_watchdog();
  if (!control_) return;
  control_->announce();
  control_->flush();
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
  access_->accounts_changed();
  engine_ = std::make_unique<core::Engine>(state_, commit_, config_.limits, access_->permissions(),
                                           counters_);
  sys_topics_.forget();
  clients_.begin_reign(engine_.get(), status.committed);
  Status listening = listeners_.open();
  if (!listening) {
    log(LogLevel::error, "listener_failed", {{"reason", listening.error().message}});
    return stop_with(listening.error().code);
  }
  tell_listening(config_.listeners);
}

void Node::end_reign() {
  listeners_.close();
  admission_.clear();
  clients_.end_reign(mqtt::Reason::server_shutting_down);
  engine_.reset();
  state_.demote();
  commit_.forget();
  account_orders_.end_reign();
}

}  // namespace tandemq::broker
