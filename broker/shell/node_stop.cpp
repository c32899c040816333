// The end of a node. In good order it owes nobody anything: a primary gives what acknowledgements
// it can and hands over, a standby tells its primary not to wait for it.
#include "broker/shell/node.h"
#include "broker/support/log.h"
#include "broker/support/service_notify.h"

namespace tandemq::broker {
namespace {

// How long each step may take; then the next one comes all the same.
constexpr std::uint64_t kCommitWaitNs = 2'000'000'000;
constexpr std::uint64_t kFollowWaitNs = 1'000'000'000;
constexpr std::uint64_t kLingerNs = 300'000'000;

}  // namespace

void Node::shutdown() {
  if (stopping_ != Stopping::no) return;
  notify_stopping();
  log(LogLevel::notice, "stopping", {{"role", repl::to_string(status_log_.last().role)}});
  listeners_.close();
  admission_.clear();
  replicator_->ending();
  if (switching_over_) return continue_with(Stopping::handing_over, kCommitWaitNs);
  // Its link to the new primary may not be up again yet.
  if (!engine_ && handed_over_) return continue_with(Stopping::following, kFollowWaitNs);
  if (!engine_) return leave_pair();
  clients_.pause_reading(true);
  if (replicator_->status().pair_state == repl::PairState::paired) return hand_over();
  continue_with(Stopping::committing, kCommitWaitNs);
}

// By itself, not by the agent's order: when a host goes down nobody can tell which of them still is
// there.
void Node::hand_over() {
  continue_with(Stopping::handing_over, kCommitWaitNs);
  replicator_->switchover([this](const Status& done) {
    log(LogLevel::notice, "handed_over",
        {{"done", static_cast<bool>(done)},
         {"reason", done ? "the peer is primary" : done.error().message}});
    handed_over(static_cast<bool>(done));
  });
}

void Node::handed_over(bool done) {
  handed_over_ = done;
  if (stopping_ != Stopping::handing_over) return;
  if (done) return continue_with(Stopping::following, kFollowWaitNs);
  continue_with(Stopping::committing, kCommitWaitNs);
}

void Node::leave_pair() {
  continue_with(Stopping::leaving, kCommitWaitNs);
  replicator_->leave([this] { continue_with(Stopping::lingering, kLingerNs); });
}

void Node::continue_with(Stopping step, std::uint64_t at_most_ns) {
  stopping_ = step;
  stop_by_ns_ = monotonic_ns() + at_most_ns;
}

void Node::continue_stopping() {
  const bool late = monotonic_ns() > stop_by_ns_;
  const repl::ReplicaStatus status = replicator_->status();
  switch (stopping_) {
    case Stopping::handing_over:
      if (late) continue_with(Stopping::committing, 0);
      return;
    // Every acknowledgement that can still be given is given before the clients are sent away.
    case Stopping::committing:
      if (engine_ && status.committed < status.last && !late) return;
      clients_.end_reign(mqtt::Reason::server_shutting_down);
      return continue_with(Stopping::lingering, kLingerNs);
    // The new primary would wait for whoever just handed over to it, unless that one takes its
    // leave.
    case Stopping::following:
      if (late || status.pair_state == repl::PairState::paired) leave_pair();
      return;
    case Stopping::leaving:
      if (late) stopping_ = Stopping::stopped;
      return;
    case Stopping::lingering:
      if (late || clients_.size() == 0) stopping_ = Stopping::stopped;
      return;
    case Stopping::no:
    case Stopping::stopped:
      return;
  }
}

void Node::stop_with(int exit_code) {
  exit_code_ = exit_code;
  stopping_ = Stopping::stopped;
}

}  // namespace tandemq::broker
