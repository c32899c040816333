#include <algorithm>
#include <tuple>

#include "failover/core/guards.h"

namespace tandemq::failover {
namespace {

// Order of journals: whose history is to be continued. Ties go to the node with the lower index.
struct Rank {
  bool electable;
  Epoch epoch;
  bool was_solo;
  bool in_sync;
  Lsn last_lsn;
  unsigned lower_index;
  bool operator<(const Rank& other) const {
    return std::tie(electable, epoch, was_solo, in_sync, last_lsn, lower_index) <
           std::tie(other.electable, other.epoch, other.was_solo, other.in_sync, other.last_lsn,
                    other.lower_index);
  }
};

Rank rank_of(const Facts& f, unsigned index) {
  const BrokerStatus& b = f.broker;
  const bool was_solo = b.was_solo || f.maybe_solo;
  return {b.in_sync || was_solo, b.epoch, was_solo, b.in_sync, b.last_lsn, 3 - index};
}
Rank rank_of(const Report& r, unsigned index) {
  return {r.in_sync || r.was_solo, r.epoch, r.was_solo, r.in_sync, r.last_lsn, 3 - index};
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
  return peer_fresh(s, set) && s.facts.peer.released;
}

bool silent_everywhere(const State& s, const Settings& set) {
  return !peer_fresh(s, set) && !s.facts.broker.peer_connected &&
         s.facts.now >= peer_silent_since(s) + set.silence_ms;
}

TimeMs peer_silent_since(const State& s) {
  const Facts& f = s.facts;
  const TimeMs link = f.broker_connected && f.broker.peer_connected ? f.now : f.link_heard_at;
  // While our own ears were shut nobody can be called silent.
  return std::max(
      {f.started_at, f.peer_heard_at, f.interface_since, f.gateway_since, f.awake_since, link});
}

bool lease_valid(const State& s, const Settings& set) {
  return s.facts.lease_from != 0 && s.facts.now < s.facts.lease_from + set.in_sync_lease_ms;
}

bool damped(const State& s, const Settings& set) {
  return s.role_changed_at != 0 && s.facts.now < s.role_changed_at + set.damping_ms;
}

bool answered(const State& s, const Settings& set) {
  return s.inquiry.purpose != Purpose::none && peer_fresh(s, set) &&
         s.facts.peer.answer == Answer{set.boot, s.inquiry.id};
}

bool electable(const State& s) {
  return s.facts.broker.in_sync || s.facts.broker.was_solo;
}

bool fresh_pair(const State& s) {
  return s.facts.broker.last_lsn == 0 && s.facts.peer.broker_known && s.facts.peer.last_lsn == 0;
}

bool outranks_peer(const State& s, const Settings& set) {
  return rank_of(s.facts.peer, 3 - set.index) < rank_of(s.facts, set.index);
}

bool peer_outranks(const State& s, const Settings& set) {
  return rank_of(s.facts, set.index) < rank_of(s.facts.peer, 3 - set.index);
}

}  // namespace tandemq::failover
