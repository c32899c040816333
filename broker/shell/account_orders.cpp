#include "broker/shell/account_orders.h"

#include <utility>

#include "broker/support/log.h"

namespace tandemq::broker {
namespace {

using What = core::AccountOrder::What;

const char* verb_of(What what) {
  switch (what) {
    case What::add:
      return "add";
    case What::remove:
      return "remove";
    case What::password:
      return "password";
    case What::enable:
      return "enable";
    case What::disable:
      return "disable";
    case What::grant:
      return "grant";
    case What::revoke:
      return "revoke";
  }
  return "";
}

void log_change(const core::AccountOrder& order, const std::string& by) {
  std::string lines;
  for (const std::string& line : order.lines) lines += (lines.empty() ? "" : "; ") + line;
  log(LogLevel::notice, "account_changed",
      {{"what", verb_of(order.what)},
       {order.kind == core::AccountKind::user ? "user" : "role", order.name},
       {"lines", lines},
       {"by", by}});
}

// Who came in as this user has to come in anew, if at all.
bool sends_away(const core::AccountOrder& order) {
  return order.kind == core::AccountKind::user &&
         (order.what == What::remove || order.what == What::disable ||
          order.what == What::password);
}

}  // namespace

void AccountOrders::change(core::Engine* engine, core::AccountOrder order, const std::string& by,
                           Orders::Answer<Done> done) {
  const Status changed = carry_out(engine, order);
  if (!changed) return done(changed);
  log_change(order, by);
  const bool sent_away = sends_away(order);
  access_.account_changed(order.kind, order.name, sent_away ? order.name : "");
  engine->rules_changed();
  clients_.rules_changed();
  if (sent_away) clients_.review();
  waiting_.push_back({state_.meta().lsn, std::move(done)});
}

Status AccountOrders::carry_out(core::Engine* engine, core::AccountOrder& order) {
  if (!engine) return Error{"this node is handing over; ask again in a moment, at the new primary"};
  if (waiting_.size() >= kWaitingMax) {
    return Error{
        "too many changes wait for the other node; see `tandemqctl status`, and ask again when it "
        "has answered"};
  }
  Status sound = access_.check(order);
  if (!sound) return sound;
  sound = engine->change_account(order, effects_);
  if (sound) clients_.put(effects_);
  return sound;
}

void AccountOrders::committed(Lsn lsn) {
  while (!waiting_.empty() && waiting_.front().lsn <= lsn) answer_first(Done{});
}

void AccountOrders::end_reign() {
  while (!waiting_.empty()) {
    answer_first(
        Error{"this node is primary no more, and it is not known whether the other one has the "
              "change; look there, and ask there again"});
  }
}

Error ask_the_primary(const repl::ReplicaStatus& status, const std::string& peer) {
  const bool follows = status.peer_connected && status.pair_state != repl::PairState::waiting;
  return Error{"this node is standby, and users and roles are changed at the primary; " +
               (follows ? "that is " + peer + ", ask there"
                        : "none is known here: see `tandemqctl status`, and ask there")};
}

void AccountOrders::answer_first(const Status& status) {
  const Orders::Answer<Done> done = std::move(waiting_.front().done);
  waiting_.pop_front();
  done(status);
}

}  // namespace tandemq::broker
