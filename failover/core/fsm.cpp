#include "failover/core/fsm.h"

#include <algorithm>
#include <utility>

#include "broker/base/check.h"
#include "failover/core/absorb.h"

namespace tandemq::failover {
namespace {

// One event can move the machine through a few states, never through all of them.
constexpr int kRowsPerStep = 12;
constexpr TimeMs kBackOffMs = 500;
constexpr TimeMs kGrantHoldMs = 2000;
constexpr TimeMs kYieldMs = 1000, kYieldMaxMs = 30000, kYieldForgetMs = 10000;

class Stepper {
 public:
  Stepper(State& state, const Event& event, const Settings& settings)
      : s_(state), e_(event), set_(settings) {}

  Actions run() {
    const Report told = report_of(s_, set_);
    const TimeMs awake_since = s_.facts.awake_since;
    absorb(s_, e_, set_);
    const bool woke = s_.facts.awake_since != awake_since;
    if (woke) add(ActionKind::ask_status);
    Event tick{EventKind::tick, e_.at, {}};
    const Row* row = find(e_);
    if (!row) refuse_operator();
    for (int i = 0; row; ++i) {
      TMQ_CHECK(i < kRowsPerStep);
      take(*row, i == 0 ? e_ : tick);
      row = find(tick);
    }
    settle_eligibility();
    settle_address();
    settle_announcement();
    if (woke || report_of(s_, set_) != told) add(ActionKind::send_report);
    return std::move(out_);
  }

 private:
  const Row* find(const Event& event) const {
    static const std::vector<Row> rows = all_rows();
    for (const Row& row : rows) {
      if (!row.from.has(s_.phase) || (row.on && *row.on != event.kind)) continue;
      const bool fits = std::all_of(row.guards.begin(), row.guards.end(), [&](const Guard* g) {
        return !g || g->holds(s_, event, set_);
      });
      if (fits) return &row;
    }
    return nullptr;
  }

  void take(const Row& row, const Event& cause) {
    why_ = row.why;
    if (auto* answer = std::get_if<AuthorityAnswer>(&cause.data)) why_ += ": " + answer->why;
    if (auto* done = std::get_if<OrderDone>(&cause.data); done && !done->ok) {
      why_ += ": " + done->error;
    }
    if (row.to && *row.to != s_.phase) change_phase(*row.to, cause.kind);
    for (Do action : row.actions) perform(action, cause);
  }

  void change_phase(Phase to, EventKind cause) {
    Action& a = add(ActionKind::transition);
    a.from = s_.phase;
    a.to = to;
    a.cause = cause;
    const bool serves =
        to == Phase::primary && a.from != Phase::waiting && a.from != Phase::switching;
    if (serves && s_.facts.peer_primary_at != 0) s_.role_changed_at = s_.facts.now;
    if (to == Phase::released) s_.stood_down = false;
    if (to == Phase::asking) s_.lost_at = lost_at();
    a.lost_at = to == Phase::asking || to == Phase::promoting || serves ? s_.lost_at : s_.facts.now;
    s_.phase = to;
    s_.since = s_.facts.now;
    s_.why = why_;
  }

  TimeMs lost_at() const {
    if (peer_released(s_, set_)) return s_.facts.now;
    return peer_silent_since(s_);
  }

  void perform(Do action, const Event& cause) {
    switch (action) {
      case Do::none:
        break;
      case Do::ask_take_over:
        ask(Purpose::take_over);
        break;
      case Do::ask_cold_start:
        ask(Purpose::cold_start);
        break;
      case Do::ask_solo:
        ask(Purpose::solo);
        break;
      case Do::withdraw:
        s_.inquiry = {};
        break;
      case Do::promote:
        promote(std::get<AuthorityAnswer>(cause.data));
        break;
      case Do::promote_by_operator:
        promote_by_operator(cause);
        break;
      case Do::go_solo:
        go_solo(cause);
        break;
      case Do::go_solo_by_operator:
        remember_request(cause);
        s_.authority.by = "operator";
        go_solo({});
        break;
      case Do::demote:
        order(Order::demote);
        break;
      case Do::lose_sync:
        s_.lose_sync_pending = true;
        s_.lose_sync_for = {s_.facts.peer.boot, s_.facts.peer.ask.id};
        s_.owe_reign = newest_epoch();
        s_.facts.warm = false;
        order(Order::lose_sync);
        break;
      case Do::owe_lose_sync:
        s_.owe_lose_sync = true;
        s_.owe_outlived = !s_.facts.broker_alive && sees_every_process(s_);
        s_.owe_reign = newest_epoch();
        break;
      case Do::switchover:
        remember_request(cause);
        order(Order::switchover);
        break;
      case Do::kill:
        add(ActionKind::kill_broker);
        break;
      case Do::remove_address:
        if (s_.facts.keepalived_died) add(ActionKind::remove_address);
        break;
      case Do::yield_address:
        yield_address();
        break;
      case Do::grant:
        grant();
        break;
      case Do::back_off:
        s_.retry_at = s_.facts.now + kBackOffMs;
        break;
      case Do::alarm:
        add(ActionKind::alarm);
        break;
      case Do::reply_ok:
        reply(cause, true);
        break;
      case Do::reply_failed:
        reply(cause, false);
        break;
    }
  }

  void ask(Purpose purpose) {
    s_.inquiry = {purpose, ++s_.last_inquiry, s_.facts.now, s_.facts.broker.change};
  }

  Action& order(Order what) {
    if (what != Order::lose_sync) s_.pending = what;
    Action& a = add(ActionKind::order_broker);
    a.order = what;
    return a;
  }

  void promote(const AuthorityAnswer& answer) {
    s_.authority = answer;
    Action& a = order(Order::promote);
    a.epoch = newest_epoch();
    a.deadline = answer.deadline;
    force_unconfirmed(a);
  }

  Epoch newest_epoch() const {
    const Facts& f = s_.facts;
    return std::max({f.broker.epoch, f.peer.epoch, f.peer_reign});
  }

  // Its claim to be in sync was agreed on between the agents, not between the brokers: the order
  // stands only as long as the claim does.
  void force_unconfirmed(Action& a) {
    if (s_.facts.broker.in_sync) return;
    a.on = true;
    a.change = s_.facts.broker.change;
  }

  void promote_by_operator(const Event& cause) {
    remember_request(cause);
    s_.authority = {};
    s_.authority.by = "operator";
    // Who has a silent peer's place taken over says that it is dead.
    s_.authority.alone = !peer_fresh(s_, set_);
    s_.lost_at = s_.facts.now;
    Action& a = order(Order::promote);
    a.epoch = newest_epoch();
    if (std::get<OperatorOrder>(cause.data).force) {
      a.on = true;  // whatever the broker has become meanwhile
    } else {
      force_unconfirmed(a);
    }
  }

  void go_solo(const Event& cause) {
    if (auto* answer = std::get_if<AuthorityAnswer>(&cause.data)) s_.authority = *answer;
    s_.facts.maybe_solo = true;
    Action& a = order(Order::solo);
    a.change = s_.facts.broker.change;
    a.by = s_.authority.by;
    s_.authority.alone = false;
  }

  void grant() {
    const Report& peer = s_.facts.peer;
    s_.answer = {peer.boot, peer.ask.id};
    if (peer.ask.kind != AskKind::promote) return;
    s_.hold_until = s_.facts.now + kGrantHoldMs;
    s_.facts.warm = false;  // the peer may reign from now on, and this broker does not follow it
  }

  void remember_request(const Event& cause) {
    auto* o = std::get_if<OperatorOrder>(&cause.data);
    if (!o) return;
    const std::uint64_t replaced = std::exchange(s_.request, o->request);
    if (replaced == 0) return;
    Action& a = add(ActionKind::reply);
    a.request = replaced;
    a.why = "another order took its place";
  }

  // Rows that end what an operator ordered reply to it; rows that refuse reply to the event itself.
  void reply(const Event& cause, bool ok) {
    const auto* refused = std::get_if<OperatorOrder>(&cause.data);
    const std::uint64_t request = refused ? refused->request : std::exchange(s_.request, 0);
    if (request == 0) return;
    Action& a = add(ActionKind::reply);
    a.request = request;
    a.on = ok;
  }

  void refuse_operator() {
    if (!std::holds_alternative<OperatorOrder>(e_.data)) return;
    why_ = std::string("not possible while the agent's state is ") + to_string(s_.phase) + " (" +
           s_.why + ")";
    reply(e_, false);
  }

  void settle_eligibility() {
    const bool before = s_.eligible;
    const unsigned claimed = s_.claim;
    switch (eligible_in(s_.phase)) {
      case Eligible::no:
        s_.eligible = false;
        break;
      case Eligible::yes:
        s_.eligible = true;
        break;
      case Eligible::keep:
        break;
      case Eligible::unless_peer_can:
        if (peer_can_serve(s_, set_) || peer_primary(s_, set_)) s_.eligible = false;
        break;
    }
    if (yielding()) s_.eligible = false;
    s_.claim = s_.eligible ? claim() : 0;
    if (s_.eligible == before && s_.claim == claimed) return;
    if (s_.eligible != before) s_.eligible_since = s_.facts.now;
    Action& a = add(ActionKind::set_track);
    a.on = s_.eligible;
    a.claim = s_.claim;
  }

  // As a primary: more than the peer was last heard to claim, until it is heard to claim nothing.
  unsigned claim() const {
    if (eligible_in(s_.phase) != Eligible::yes) return s_.claim;
    if (!serves()) return 0;
    if (becomes_master()) return s_.claim;
    const unsigned above = std::min(s_.facts.peer.claim + 1, kClaimMax);
    const bool alone = peer_fresh(s_, set_) && s_.facts.peer.claim == 0;
    return s_.claim == 0 || alone ? above : s_.claim;
  }

  // The claim is high enough: keepalived takes the address in a moment, and would begin its wait
  // anew if its priority changed meanwhile.
  bool becomes_master() const {
    const Report& peer = s_.facts.peer;
    const bool wins = s_.claim > 0 || peer.released || peer.vrrp == Vrrp::fault;
    return s_.facts.vrrp == Vrrp::backup && peer_fresh(s_, set_) && peer.claim == 0 && wins;
  }

  bool serves() const {
    return s_.phase == Phase::primary || s_.phase == Phase::waiting || s_.phase == Phase::switching;
  }

  // Where it does not help (VRRP alone is cut, so that keepalived takes the address again and
  // again) the pauses grow.
  void yield_address() {
    const TimeMs now = s_.facts.now;
    const bool again = s_.yield_length != 0 && now < s_.yield_until + kYieldForgetMs;
    s_.yield_length = again ? std::min(2 * s_.yield_length, kYieldMaxMs) : kYieldMs;
    s_.yield_until = now + s_.yield_length;
  }

  // Never when this node is about to serve, nor when the peer, who was to have the address, is
  // silent. The first time it ends as soon as the peer has the address.
  bool yielding() {
    const bool here = s_.phase == Phase::primary || s_.phase == Phase::waiting ||
                      s_.phase == Phase::asking || s_.phase == Phase::promoting;
    const Facts& f = s_.facts;
    const bool moved =
        s_.yield_length == kYieldMs && f.vrrp == Vrrp::fault && f.peer.vrrp == Vrrp::master;
    if (here || moved || !peer_fresh(s_, set_)) s_.yield_until = std::min(s_.yield_until, f.now);
    return f.now < s_.yield_until;
  }

  // Where the peer's keepalived lives on and nothing else does there, VRRP takes as long again to
  // move the address as the silence took. So a node that serves in place of a silent peer takes it
  // at once; keepalived, which claims more now, finds it here when it becomes master.
  void settle_address() {
    const Facts& f = s_.facts;
    if (f.vrrp == Vrrp::master) s_.took_address = false;
    // Not where keepalived had it in this reign and lost it: then somebody else claims more.
    const bool never = f.vrrp_since <= f.reign_began_at;
    const bool late = serves() && f.vrrp == Vrrp::backup && never && silent_everywhere(s_, set_);
    if (late && !f.holds_address && !s_.took_address) {
      s_.took_address = true;
      add(ActionKind::take_address);
    }
    if (s_.took_address && !serves()) {
      s_.took_address = false;
      add(ActionKind::remove_address);
    }
  }

  // The neighbours may have learned that the address is elsewhere: from the peer's keepalived while
  // both held it, or from ours before the broker served.
  void settle_announcement() {
    const bool serves = s_.phase == Phase::primary || s_.phase == Phase::waiting;
    const bool shared = peer_fresh(s_, set_) && s_.facts.peer.holds_address;
    const bool alone = serves && s_.facts.holds_address && !shared;
    if (alone && !s_.announced) add(ActionKind::announce);
    s_.announced = alone;
  }

  Action& add(ActionKind kind) {
    Action& a = out_.emplace_back();
    a.kind = kind;
    a.why = why_.empty() ? s_.why : why_;
    return a;
  }

  State& s_;
  const Event& e_;
  const Settings& set_;
  Actions out_;
  std::string why_;
};

}  // namespace

Actions step(State& state, const Event& event, const Settings& settings) {
  return Stepper(state, event, settings).run();
}

}  // namespace tandemq::failover
