// Orders of the control socket, and what the node tells about itself.
#include "broker/shell/expiry.h"
#include "broker/shell/node.h"
#include "broker/support/log.h"
#include "broker/support/service_notify.h"

namespace tandemq::broker {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;

}  // namespace

NodeStatus Node::status() {
  const std::uint64_t now = monotonic_ns();
  NodeStatus out;
  out.node = config_.node.name;
  out.peer = config_.replication.peer_name;
  out.data_dir = config_.node.data_dir;
  out.busy = busy_;
  out.single = config_.replication.single;
  out.link_tls = link_tls_.on();
  out.listening = listeners_.listening();
  for (const ListenerSection& one : config_.listeners) {
    if (!one.is_unix()) out.ports.push_back(one.port);
  }
  out.commit = config_.replication.commit;
  out.replica = replicator_->status();
  out.meeting = replicator_->meeting();
  out.journal = replicator_->journal_figures();
  out.link = replicator_->link_figures();
  out.quarantine = replicator_->quarantine_figures();
  out.checkpoint = images_.figures();
  out.state = state_.figures();
  out.engine = counters_;
  out.clients = clients_.counters();
  out.traffic = clients_.figures();
  out.certificates = uses_of(*fronts_, link_tls_);
  out.checksums = access_->checksums();
  out.handshakes = fronts_->handshakes();
  out.memory_used = memory_.resident();
  out.memory_max = memory_.ceiling().max();
  out.memory = memory_.ceiling().state();
  out.connections_waiting = admission_.waiting();
  out.logins = access_->figures();
  out.commit_latency = commit_.latency();
  out.turn_length = turn_length_;
  out.turn_ns_max = turn_ns_max_;
  out.since_ms = (now - status_log_.changed_ns()) / kNsPerMs;
  out.uptime_ms = (now - started_ns_) / kNsPerMs;
  out.role_changes = status_log_.role_changes();
  out.pair_state_changes = status_log_.pair_state_changes();
  const core::ReignFigures reign = engine_ ? engine_->reign_figures() : core::ReignFigures{};
  out.sessions_before = reign.sessions_before;
  out.sessions_back = reign.sessions_back;
  if (engine_ && clients_.first_connect_ns() != 0) {
    out.first_client_ms =
        static_cast<std::int64_t>((clients_.first_connect_ns() - reign_ns_) / kNsPerMs);
  }
  return out;
}

Result<Epoch> Node::promote(Epoch at_least, bool force, const std::string& reason,
                            const std::function<bool()>& stands) {
  log(LogLevel::notice, "order_promote",
      {{"epoch_min", epoch_counter(at_least)}, {"force", force}, {"reason", reason}});
  Status prepared = listeners_.prepare();
  if (!prepared) {  // a reign that nobody can reach helps nobody
    if (!engine_) listeners_.close();
    return prepared.error();
  }
  Result<Epoch> epoch = replicator_->promote(at_least, force, stands);
  if (!epoch && !engine_) listeners_.close();
  return epoch;
}

Status Node::demote(const std::string& reason) {
  log(LogLevel::notice, "order_demote", {{"reason", reason}});
  return replicator_->demote(reason);
}

Status Node::solo(const std::string& authority) {
  log(LogLevel::notice, "order_solo", {{"authority", authority}});
  return replicator_->go_solo(authority);
}

Status Node::lose_sync(const std::string& reason) {
  log(LogLevel::notice, "order_lose_sync", {{"reason", reason}});
  return replicator_->lose_sync(reason);
}

void Node::switchover(const std::string& reason, Answer<Done> done) {
  log(LogLevel::notice, "order_switchover", {{"reason", reason}});
  if (!engine_) return done(Error{"this node is not primary; ask the primary to hand over"});
  if (config_.replication.single) return done(Error{"a single node has no peer to hand over to"});
  if (switching_over_) return done(Error{"a switchover is under way already"});
  switching_over_ = true;
  listeners_.close();
  clients_.pause_reading(true);
  replicator_->switchover([this, done](const Status& status) {
    switching_over_ = false;
    if (engine_ && stopping_ == Stopping::no) {  // it failed, this node goes on
      clients_.pause_reading(false);
      Status listening = listeners_.open();
      if (!listening) stop_with(listening.error().code);
    }
    log(LogLevel::notice, "switchover",
        {{"done", static_cast<bool>(status)},
         {"reason", status ? "the peer is primary" : status.error().message}});
    handed_over(static_cast<bool>(status));
    done(status);
  });
}

void Node::change_account(core::AccountOrder order, const std::string& by, Answer<Done> done) {
  turn_.begin(clock_);
  if (!engine_) return done(ask_the_primary(replicator_->status(), config_.replication.peer_name));
  const bool leaves = switching_over_ || stopping_ != Stopping::no;
  account_orders_.change(leaves ? nullptr : engine_.get(), std::move(order), by, std::move(done));
}

void Node::leave(const std::string& reason, Answer<Done> done) {
  log(LogLevel::notice, "order_leave", {{"reason", reason}});
  if (engine_) return done(Error{"this node is primary; hand over with switchover first"});
  replicator_->leave([done] { done(Done{}); });
}

Status Node::reload() {
  notify_reloading();
  std::string failed;
  const auto note = [&failed](const Status& done, const char* kept) {
    if (done) return;
    failed += (failed.empty() ? "" : "; ") + done.error().message;
    log(LogLevel::error, "reload_failed", {{"reason", done.error().message}, {"kept", kept}});
  };
  note(log_open(config_.log.level, config_.log.target), "the log as it was");
  const Status rules = access_->reload();
  note(rules, "the rules before");
  if (rules) {
    if (engine_) engine_->rules_changed();
    clients_.rules_changed();
  }
  note(fronts_->load(), "the certificates before");
  note(link_tls_.load(), "the replication link's certificates before");
  clients_.review();
  tell_expiry(uses_of(*fronts_, link_tls_));
  tell_doubts();
  notify_ready();
  if (!failed.empty()) return Error{failed};
  log(LogLevel::notice, "reloaded",
      {{"text", "password, ACL and certificate files were read again"}});
  return Done{};
}

}  // namespace tandemq::broker
