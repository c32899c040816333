#include <algorithm>
#include <tuple>

#include "failover/core/guards.h"

namespace tandemq::failover {
namespace {

// Both brokers stand by, linked, and have compared what they hold; ours went on alone and holds
// everything. So the peer acknowledged nothing in its later reign: it lost it with its power, or
// was not alone in it. A peer whose state is unusable or new cannot be compared with.
bool outlasted(const State& s) {
  const BrokerStatus& b = s.facts.broker;
  const Report& r = s.facts.peer;
  const bool compared = s.facts.broker_connected && b.role == Role::standby && b.peer_connected &&
                        b.pair_state != PairState::paired;
  return compared && b.in_sync && b.was_solo && r.broker_alive && r.role == Role::standby &&
         r.last_lsn != 0 && !r.was_solo;
}

// Order of journals: whose history is to be continued. Brokers that have compared their journals
// over the link know best; without that their claims are compared. Ties go to the lower index.
struct Rank {
  bool confirmed;
  bool claims;
  Epoch epoch;
  bool was_solo;
  Lsn last_lsn;
  unsigned lower_index;
  bool operator<(const Rank& other) const {
    return std::tie(confirmed, claims, epoch, was_solo, last_lsn, lower_index) <
           std::tie(other.confirmed, other.claims, other.epoch, other.was_solo, other.last_lsn,
                    other.lower_index);
  }
};

// A node that claims to have been in sync and holds less than the other one of the same reign, or
// of one that the other one followed, lost with its host's power what was not on its disk yet.
// Whether the other one holds everything its broker finds out as soon as they compare their
// journals.
bool lost_a_tail(const auto& claimant, const auto& other) {
  return claimant.epoch <= other.epoch && claimant.last_lsn < other.last_lsn;
}

// A broker without a record that claims nothing may stand in the place of one that went on alone:
// beside it only a finding of its own makes a journal the one to continue.
bool knows_nothing(const auto& who) {
  return who.last_lsn == 0 && !who.in_sync && !who.was_in_sync && !who.was_solo;
}

Rank own_rank(const State& s, const Settings& set) {
  const BrokerStatus& b = s.facts.broker;
  const Report& r = s.facts.peer;
  const bool outlived = b.was_solo && outreigned(s);
  const bool was_solo = !outlived && (b.was_solo || b.lost_alone || s.facts.maybe_solo);
  const bool confirmed = !outlived && (b.in_sync || was_solo);
  const bool claims = electable(s) && (confirmed || !lost_a_tail(b, r));
  return {confirmed, claims, b.epoch, was_solo, b.last_lsn, 3 - set.index};
}

Rank peer_rank(const State& s, const Settings& set) {
  const Report& r = s.facts.peer;
  const bool confirmed = r.in_sync || r.was_solo;
  const bool claims = confirmed || (r.was_in_sync && !lost_a_tail(r, s.facts.broker));
  return {confirmed, claims, r.epoch, r.was_solo, r.last_lsn, set.index};
}

}  // namespace

bool peer_fresh(const State& s, const Settings& set) {
  return s.facts.peer_known && s.facts.now - s.facts.peer_heard_at < set.silence_ms;
}

bool peer_primary(const State& s, const Settings& set) {
  const Report& peer = s.facts.peer;
  return peer_fresh(s, set) && peer.broker_alive && peer.role == Role::primary;
}

bool peer_can_serve(const State& s, const Settings& set) {
  const Report& peer = s.facts.peer;
  const bool able =
      peer.phase == Phase::standby || peer.phase == Phase::asking || peer.phase == Phase::promoting;
  return peer_fresh(s, set) && able && peer.broker_alive && peer.in_sync && peer.keepalived_alive &&
         peer.vrrp != Vrrp::fault && !s.facts.maybe_solo;
}

bool peer_released(const State& s, const Settings& set) {
  return peer_fresh(s, set) && s.facts.peer.released && hears_the_present(s);
}

bool silent_everywhere(const State& s, const Settings& set) {
  return !peer_fresh(s, set) && !s.facts.broker.peer_connected &&
         s.facts.now >= peer_silent_since(s) + set.silence_ms;
}

TimeMs peer_silent_since(const State& s) {
  const Facts& f = s.facts;
  // While our own ears were shut nobody can be called silent.
  return std::max({f.started_at, f.peer_heard_at, f.interface_since, f.gateway_since, f.awake_since,
                   f.link_heard_at, f.rival_heard_at});
}

// The other one waits for as long as its own lease says before it goes alone: the shorter counts.
// Whoever has a lease has heard the peer, and how long the peer's is.
TimeMs lease_ms(const State& s, const Settings& set) {
  const TimeMs there = s.facts.peer.in_sync_lease_ms;
  return there == 0 ? set.in_sync_lease_ms : std::min(there, set.in_sync_lease_ms);
}

// By a report that it sent after it had heard from us when our broker was in sync, or its link
// down, already: before that it may have been alone and still take us in.
bool peer_is_alone(const State& s) {
  const Facts& f = s.facts;
  return f.peer.role == Role::primary && f.peer.pair_state == PairState::solo &&
         f.peer.epoch >= f.broker.epoch &&
         f.lease_from > (f.broker.in_sync ? f.in_sync_at : f.link_down_at);
}

// A peer that is alone already waits for no lease of ours to end. By either clock: ours stands
// still with a virtual machine that is paused, the peer's does not.
bool lease_valid(const State& s, const Settings& set) {
  if (!set.silence_decides) return true;
  const Facts& f = s.facts;
  const TimeMs length = lease_ms(s, set);
  return f.lease_from != 0 && !peer_is_alone(s) && f.now < f.lease_from + length &&
         f.clock_there < f.lease_there + length;
}

bool damped(const State& s, const Settings& set) {
  return s.role_changed_at != 0 && s.facts.now < s.role_changed_at + set.damping_ms;
}

bool flapping(const State& s, const Settings& set) {
  return s.flapped_at != 0 && s.facts.now < s.flapped_at + set.damping_ms;
}

bool answered(const State& s, const Settings& set) {
  return s.inquiry.purpose != Purpose::none && peer_fresh(s, set) && hears_the_present(s) &&
         s.facts.peer.answer == Answer{set.boot, s.inquiry.id};
}

// Who went alone bound nobody by a lease: a hand, a split or a cold start may have had the peer
// serve since. Its epoch tells, also when the peer is silent by now.
bool outreigned(const State& s) {
  return s.facts.peer_reign > s.facts.broker.epoch && !outlasted(s);
}

bool counts_in_sync(const State& s) {
  const BrokerStatus& b = s.facts.broker;
  return s.facts.broker_connected && b.role == Role::standby && b.in_sync && b.peer_connected &&
         b.pair_state == PairState::paired;
}

bool holds_all_alone(const State& s) {
  return s.facts.broker.was_solo && !outreigned(s);
}

bool electable(const State& s) {
  const BrokerStatus& b = s.facts.broker;
  if (s.owe_lose_sync) return false;
  if (outreigned(s)) return b.in_sync && !b.was_solo;
  return b.in_sync || b.was_in_sync || b.was_solo;
}

// After a standstill the oldest of the reports that wait unread comes first: until the peer has
// heard what was sent since, its words, grants and releases among them, may be of any age.
bool hears_the_present(const State& s) {
  return s.facts.lease_from >= s.facts.awake_since;
}

bool knows_its_broker(const State& s) {
  return !s.facts.broker_connected || s.facts.broker_asked_at >= s.facts.awake_since;
}

bool has_caught_up(const State& s, const Settings& set) {
  const Facts& f = s.facts;
  return f.now >= f.awake_since + set.silence_ms || f.now >= f.restless_since + 4 * set.silence_ms;
}

// It looks for one every few milliseconds.
bool sees_every_process(const State& s) {
  return s.facts.now >= s.facts.awake_since + 100;
}

bool fresh_pair(const State& s) {
  return s.facts.broker.last_lsn == 0 && s.facts.peer.broker_alive && s.facts.peer.last_lsn == 0;
}

bool peer_is_empty(const State& s) {
  return s.facts.peer.broker_alive && knows_nothing(s.facts.peer) && !fresh_pair(s);
}

bool peer_lost_alone(const State& s) {
  const Report& r = s.facts.peer;
  return r.broker_alive && r.was_solo && !r.in_sync && !r.was_in_sync;
}

// What a broker that is gone told last is the least that it holds, and it may have had a life that
// its agent has not seen: only who holds everything by its own broker's finding comes before it.
bool outranks_peer(const State& s, const Settings& set) {
  const Rank own = own_rank(s, set);
  const bool compares = s.facts.peer.broker_alive && !peer_is_empty(s);
  return peer_rank(s, set) < own && (own.confirmed || compares);
}

bool peer_outranks(const State& s, const Settings& set) {
  const Rank peer = peer_rank(s, set);
  const bool compares = s.facts.broker_alive && (fresh_pair(s) || !knows_nothing(s.facts.broker));
  return own_rank(s, set) < peer && (peer.confirmed || compares);
}

}  // namespace tandemq::failover
