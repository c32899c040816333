#include "failover/core/absorb.h"

#include <algorithm>

#include "failover/core/guards.h"

namespace tandemq::failover {
namespace {

// Ticks come every 10 ms; a gap like this means that the agent or its host was stopped.
constexpr TimeMs kStallMs = 100;

// May have committed alone: from the moment on at which it was allowed to.
void learn_solo(State& s, const BrokerStatus& b) {
  s.facts.maybe_solo = b.was_solo || s.pending == Order::solo;
}

// It may have committed alone, and comes back without that reign and without any claim: its data
// are gone, and nobody else holds them. True until it is in sync again or follows a later reign;
// who followed one already and loses that too is told by its broker alone.
bool lost_its_data(const Facts& f, const BrokerStatus& b, const Settings& set) {
  const bool was_alone = f.maybe_solo || f.broker.was_solo || f.broker.lost_alone;
  const bool claims = b.role == Role::primary || b.in_sync || b.was_in_sync;
  const bool own = epoch_node(f.broker.epoch) == set.index;
  return was_alone && own && !claims && b.epoch < f.broker.epoch;
}

void forgive(State& s) {
  s.owe_lose_sync = s.owe_outlived = false;
}

void begin_reign(Facts& f) {
  f.reign_began_at = f.now;
  f.paired_once = false;
}

void learn_status(State& s, const BrokerStatus& b, const Settings& set) {
  Facts& f = s.facts;
  if (b.role == Role::primary) s.stood_down = false;
  if (f.broker_connected && f.broker.role == Role::primary && b.role == Role::standby) {
    s.stood_down = s.pending != Order::demote;
  }
  s.stood_down &= b.in_sync;  // whoever steps down before a later reign is not
  if (b.peer_silent_ms < f.now - f.started_at) {
    f.link_heard_at = std::max(f.link_heard_at, f.now - b.peer_silent_ms);
  }
  const bool lost = lost_its_data(f, b, set);
  const Epoch reign = f.broker.epoch;
  learn_solo(s, b);
  if (b.role == Role::primary) {
    if (f.broker.role != Role::primary || !f.broker_alive) begin_reign(f);
    f.reigned = true;
    f.paired_once |= b.pair_state == PairState::paired;
    // The authority to go on alone is used up by doing so: a peer that comes later is asked, also
    // while it is not yet paired but may count as in sync already.
    if (b.pair_state != PairState::waiting) s.authority.alone = false;
  }
  if (b.in_sync && (!f.broker.in_sync || !f.broker_connected)) f.in_sync_at = f.now;
  if (!b.peer_connected && (f.broker.peer_connected || !f.broker_connected)) f.link_down_at = f.now;
  f.broker = b;
  f.broker_asked_at = std::max(f.broker_asked_at, b.asked_at);
  if (lost) {
    f.broker.lost_alone = true;
    f.broker.epoch = reign;
  }
  f.broker_known = f.broker_alive = f.broker_connected = true;
  if (!b.in_sync || b.role == Role::primary) f.warm = false;
  if (!b.in_sync && !b.was_in_sync) forgive(s);
}

// Whatever was granted is void when the primary counted on our broker again, after the question
// that the order was owed for, as its broker goes on alone in the episode of the question only: in
// a process of its broker's that began later, or by its word that has heard of ours. And when our
// broker has reigned alone since, which it came to by being in sync or by an operator's hand: in a
// reign of a higher count, as one of the same count is beside the other and not after it. And when
// it reigns over a whole pair: the peer follows it, and goes on alone by nothing it was allowed.
void settle_debt(State& s, const Settings& set) {
  const Facts& f = s.facts;
  if (!s.owe_lose_sync || s.lose_sync_pending) return;
  const bool later = epoch_counter(f.broker.epoch) > epoch_counter(s.owe_reign);
  const bool own = epoch_node(f.broker.epoch) == set.index;
  const bool whole = f.broker.role == Role::primary && f.broker.pair_state == PairState::paired;
  if (f.broker_connected && (whole || (f.broker.was_solo && own && later))) forgive(s);
  if (!counts_in_sync(s)) return;
  const bool by_word = peer_primary(s, set) && f.peer.pair_state == PairState::paired &&
                       f.peer.epoch == f.broker.epoch && f.lease_from > f.in_sync_at;
  if (s.owe_outlived || by_word) forgive(s);
}

void learn_order(State& s, const OrderDone& done) {
  Facts& f = s.facts;
  if (done.order == Order::lose_sync) {
    s.lose_sync_pending = false;
    if (done.ok) {
      f.broker.in_sync = f.broker.was_in_sync = f.warm = false;
      forgive(s);
      s.sync_lost_for = s.lose_sync_for;
    } else {
      s.retry_at = f.now + 200;
    }
    return;
  }
  if (s.pending == done.order) s.pending = Order::none;
  if (done.order == Order::promote && done.ok) {
    if (f.broker.role != Role::primary) begin_reign(f);
    if (f.broker.role != Role::primary) f.broker.pair_state = PairState::waiting;
    f.broker.role = Role::primary;
    f.broker.epoch = std::max(f.broker.epoch, done.epoch);
    f.broker.change = done.change;
    f.reigned = true;
  }
  if (done.order == Order::promote && !done.ok) s.authority = {};
  if (done.order == Order::demote && done.ok) f.broker.role = Role::standby;
  if (done.order == Order::solo && done.ok) {
    f.broker.pair_state = PairState::solo;
    f.broker.was_solo = true;
  }
  if (done.order == Order::solo && done.refused) f.maybe_solo = f.broker.was_solo;
}

void learn_loss(State& s) {
  Facts& f = s.facts;
  f.broker_alive = f.broker_connected = f.warm = false;
  f.broker.peer_connected = false;
  f.broker.was_in_sync |= f.broker.in_sync;
  f.broker.in_sync = false;  // from now on it is a claim
  s.pending = Order::none;
  if (s.lose_sync_pending) s.owe_lose_sync = true;
  s.owe_outlived = s.owe_lose_sync && sees_every_process(s);
  s.lose_sync_pending = false;
  s.authority = {};
}

// One standstill soon after the other: what waits for a quiet time does not wait without end.
void learn_standstill(Facts& f, const Settings& set) {
  if (f.now >= f.awake_since + set.silence_ms) f.restless_since = f.now;
  f.awake_since = f.now;
}

// The clock of a virtual machine stands still while its hypervisor pauses it, and so shows no gap;
// the peer's went on, as what it said meanwhile tells.
void learn_clock(Facts& f, const PeerReport& heard, const Settings& set) {
  const bool from_the_start = heard.clock < f.clock_there;  // its host began anew
  if (heard.echo_sent_at > f.lease_from || from_the_start) {
    f.lease_there = heard.clock;
    f.paused_there = 0;
  }
  f.lease_from = std::max(f.lease_from, heard.echo_sent_at);
  f.clock_there = heard.clock;
  const TimeMs here = f.now - f.lease_from;
  const TimeMs accounted = f.lease_there + here + here / 20 + f.paused_there;
  if (f.clock_there <= accounted + kStallMs) return;
  f.paused_there += f.clock_there - accounted;
  learn_standstill(f, set);
}

// That the peer reigned stays true, whenever it was said.
void learn_reign(Facts& f, Epoch epoch, const Settings& set) {
  if (epoch_node(epoch) != set.index) f.peer_reign = std::max(f.peer_reign, epoch);
}

void learn_report(State& s, const PeerReport& heard, const Settings& set) {
  Facts& f = s.facts;
  if (s.silent_life != 0 && s.silent_life == heard.report.boot) s.flapped_at = f.now;
  s.silent_life = 0;
  f.peer = heard.report;
  f.peer_known = true;
  f.peer_heard_at = f.now;
  learn_clock(f, heard, set);
  learn_reign(f, f.peer.epoch, set);
  if (!peer_primary(s, set)) return;
  f.peer_primary_at = f.now;
  s.stood_down = false;
  const bool reigns = f.broker.role == Role::primary && f.broker_alive;
  if (f.reigned && !reigns) s.role_changed_at = f.now;
  f.reigned = reigns;
}

// What a keepalived that was there before this agent must be in, by what can be seen of it. An
// address that the agent took itself says nothing of it.
void conclude_vrrp(const State& s, Facts& f) {
  const Vrrp without = s.eligible && f.interface_up ? Vrrp::backup : Vrrp::fault;
  const Vrrp vrrp = f.holds_address && !s.took_address ? Vrrp::master : without;
  if (f.vrrp != vrrp) f.vrrp_since = f.now;
  f.vrrp = vrrp;
}

}  // namespace

void absorb(State& s, const Event& e, const Settings& set) {
  Facts& f = s.facts;
  const bool stood_still = e.at > f.now + kStallMs;
  f.now = std::max(f.now, e.at);
  if (stood_still) learn_standstill(f, set);
  switch (e.kind) {
    case EventKind::broker_up:
    case EventKind::broker_status:
      learn_status(s, std::get<BrokerStatus>(e.data), set);
      break;
    case EventKind::broker_disconnected:
      f.broker_connected = false;
      break;
    case EventKind::broker_lost:
      learn_loss(s);
      break;
    case EventKind::order_done:
      learn_order(s, std::get<OrderDone>(e.data));
      break;
    case EventKind::vrrp:
      f.vrrp_told = true;
      f.vrrp = std::get<Vrrp>(e.data);
      f.vrrp_since = f.now;
      break;
    case EventKind::two_masters:
      f.rival_heard_at = f.now;
      break;
    case EventKind::address:
      f.holds_address = std::get<bool>(e.data);
      break;
    case EventKind::interface:
      f.interface_up = std::get<bool>(e.data);
      f.interface_since = f.now;
      break;
    case EventKind::gateway:
      f.gateway_answers = std::get<bool>(e.data);
      f.gateway_since = f.now;
      break;
    case EventKind::keepalived_up:
      f.keepalived_alive = true;
      f.keepalived_died = false;
      break;
    case EventKind::keepalived_lost:
      f.keepalived_alive = false;
      f.keepalived_died = true;
      f.vrrp_told = false;
      f.vrrp = Vrrp::unknown;
      f.vrrp_since = f.now;
      break;
    case EventKind::peer_report:
      learn_report(s, std::get<PeerReport>(e.data), set);
      break;
    case EventKind::peer_unproven:
      learn_reign(f, std::get<PeerReport>(e.data).report.epoch, set);
      break;
    default:
      break;
  }
  if (f.keepalived_alive && !f.vrrp_told) conclude_vrrp(s, f);
  settle_debt(s, set);
  if (guard::following.holds(s, {}, {})) f.warm = true;
  // A lease that has ended there may have been used: a later word does not revive it.
  if (s.phase == Phase::waiting_for_peer && !lease_valid(s, set)) f.warm = false;
  // Before anybody reigned there is nothing to move to and fro.
  const bool reign = f.reigned || f.peer_primary_at != 0;
  if (reign && f.peer_known && silent_everywhere(s, set)) s.silent_life = f.peer.boot;
}

}  // namespace tandemq::failover
