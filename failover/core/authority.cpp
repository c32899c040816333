#include "failover/core/authority.h"

#include <algorithm>

#include "failover/core/guards.h"

namespace tandemq::failover {
namespace {

// A primary that starts is given this long to be heard before a lone node decides anything.
constexpr TimeMs kGreetingMs = 1000;
constexpr TimeMs kCompareMs = 1500;

Verdict pending(std::string why) {
  return {Verdict::pending, false, 0, "", std::move(why)};
}
Verdict granted(bool alone, const char* by, std::string why, TimeMs deadline = 0) {
  return {Verdict::granted, alone, deadline, by, std::move(why)};
}

std::string seconds(TimeMs ms) {
  return std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + " s";
}

bool peer_claims(const State& s) {
  switch (s.facts.peer.phase) {
    case Phase::asking:
    case Phase::promoting:
    case Phase::primary:
    case Phase::waiting:
    case Phase::switching:
    case Phase::demoting:
    case Phase::killing:
      return true;
    default:
      return false;
  }
}

Verdict cold_start_with_peer(const State& s, const Settings& set) {
  if (peer_claims(s)) return pending("the peer is primary or about to be");
  const bool peer_newer = s.facts.peer.broker_known && peer_outranks(s, set);
  if (holds_all_alone(s) && !s.facts.peer.broker_alive && !peer_newer) {
    return granted(false, "solo_before", "this node was the only one to serve, it holds all");
  }
  if (!s.facts.peer.broker_known) {
    return pending("the peer's broker has not been seen yet; its journal may be newer");
  }
  if (!s.facts.broker.peer_connected && s.facts.now < s.since + kCompareMs) {
    return pending("the brokers are given a moment to compare their journals over the link");
  }
  if (!electable(s) && !fresh_pair(s)) {
    return pending("this node is out of sync: only the operator may promote it, with --force");
  }
  if (!outranks_peer(s, set)) {
    if (peer_is_empty(s)) {
      return pending(
          "the peer holds no data and cannot tell whether it went on alone before: only "
          "the operator may promote this node");
    }
    if (peer_lost_alone(s)) {
      return pending(
          "the peer went on alone later and its state is unusable: only the operator may promote "
          "this node, with --force");
    }
    return pending(s.facts.peer.broker_alive
                       ? "the peer's journal comes first"
                       : "the peer's broker is not there; its journal may be the newer one");
  }
  if (!answered(s, set)) return pending("this node's journal comes first; the peer was asked");
  return granted(false, "agreement", "the peer agrees that this node's journal comes first");
}

Verdict cold_start_alone(const State& s, const Settings& set) {
  // What waits since this agent stood still is read first: it may tell of a later reign.
  if (s.facts.now < s.facts.started_at + kGreetingMs + set.silence_ms || !has_caught_up(s, set)) {
    return pending("the peer is given a moment to be heard");
  }
  if (holds_all_alone(s)) {
    return granted(true, "solo_before", "this node was the only one to serve, it holds all");
  }
  if (!electable(s)) {
    return pending("this node is out of sync: only the operator may promote it, with --force");
  }
  if (s.facts.broker.last_lsn == 0) return pending("a new pair begins when both nodes are there");
  return pending("the peer is silent and may know more: waits for it or for the operator");
}

// How long the peer has been silent beyond all that it could still do with its lease.
bool lease_of_peer_over(const State& s, const Settings& set) {
  return s.facts.now >= peer_silent_since(s) + set.in_sync_lease_ms + set.lease_margin_ms();
}

// The peer's agent is there, but has not seen its broker in its life, for as long as a lease takes:
// its word is worth as much as its silence.
bool ignorant_peer(const State& s, const Settings& set) {
  return s.inquiry.purpose == Purpose::solo && !s.facts.peer.broker_known &&
         s.facts.now >= s.inquiry.since + set.in_sync_lease_ms + set.lease_margin_ms();
}

Verdict silence_solo(const State& s, const Settings& set) {
  if (outreigned(s)) return pending("the peer has reigned since: this node is to follow it");
  const TimeMs until = peer_silent_since(s) + set.in_sync_lease_ms + set.lease_margin_ms();
  if (s.facts.now < until && !ignorant_peer(s, set)) {
    return pending("the standby may still be promoted; its lease ends in " +
                   seconds(until - s.facts.now));
  }
  // Somebody else is master, so somebody else lives; and without the address nobody reaches us.
  const bool held = s.facts.holds_address && !s.took_address;
  if (s.facts.vrrp != Vrrp::master && !held) {
    return pending("the standby is silent, but the address is not here");
  }
  return granted(true, "timeout", "the standby is silent on every path, its lease has run out");
}

Verdict silence_take_over(const State& s, const Settings& set) {
  // Damped is a peer that came back unharmed from a silence like this one a moment ago, not one
  // that dies soon after a change of roles; and never so long that the lease runs out.
  const TimeMs lease_end = s.facts.lease_from + lease_ms(s, set);
  const TimeMs last_moment = lease_end - std::min<TimeMs>(500, lease_ms(s, set) / 4);
  if (flapping(s, set) && s.facts.now < last_moment) {
    return pending("the primary was silent a moment ago and came back (damping)");
  }
  return granted(true, "timeout", "the primary's agent and broker are silent on every path",
                 lease_end);
}

Verdict silence_cold_start(const State& s, const Settings& set) {
  if (!electable(s) || s.facts.broker.last_lsn == 0 || !lease_of_peer_over(s, set)) return {};
  if (set.cold_start == ColdStart::serve) {
    return granted(true, "cold_start",
                   "cold_start = \"serve\": the peer is silent; what it may know more is given up");
  }
  return {};
}

}  // namespace

Verdict judge_agreement(const State& s, const Settings& set) {
  const bool fresh = peer_fresh(s, set);
  switch (s.inquiry.purpose) {
    case Purpose::none:
      return {};
    case Purpose::take_over:
      if (peer_released(s, set)) {
        return granted(true, "released", "the old primary's agent released the role");
      }
      return {};
    case Purpose::solo:
      if (!fresh) return {};
      if (answered(s, set)) {
        return granted(true, "agreement", "the peer's broker can no longer be promoted");
      }
      return pending("the peer's agent was asked to give up being in sync");
    case Purpose::cold_start:
      if (s.owe_lose_sync || s.lose_sync_pending) {
        return pending("the peer may have gone on alone");
      }
      if (s.facts.now < s.hold_until) return pending("the peer was given precedence");
      if (fresh && !hears_the_present(s) && !has_caught_up(s, set)) {
        return pending("this agent stood still: what the peer says may be old");
      }
      return fresh ? cold_start_with_peer(s, set) : cold_start_alone(s, set);
  }
  return {};
}

Verdict TimeoutAuthority::judge(const State& s, const Settings& set) {
  Verdict agreed = judge_agreement(s, set);
  if (agreed.kind != Verdict::pending) return agreed;
  if (peer_fresh(s, set) && !ignorant_peer(s, set)) return agreed;
  Verdict verdict;
  if (s.inquiry.purpose == Purpose::solo) verdict = silence_solo(s, set);
  if (s.inquiry.purpose == Purpose::take_over) verdict = silence_take_over(s, set);
  const bool bound = s.owe_lose_sync || s.lose_sync_pending || s.facts.now < s.hold_until;
  if (s.inquiry.purpose == Purpose::cold_start && !bound) {
    verdict = silence_cold_start(s, set);
  }
  if (verdict.kind == Verdict::granted) {
    if (!s.facts.gateway_answers)
      return pending("the gateway does not answer: this node is cut off");
    if (!s.facts.interface_up) return pending("the service interface is down here");
    return verdict;
  }
  return verdict.why.empty() ? agreed : verdict;
}

Verdict ManualAuthority::judge(const State& s, const Settings& set) {
  Verdict agreed = judge_agreement(s, set);
  if (agreed.kind == Verdict::pending && agreed.why.empty()) {
    agreed.why =
        s.inquiry.purpose == Purpose::solo
            ? "authority is manual: if the standby is dead, tandemqctl solo lets this node "
              "go on alone"
            : "authority is manual: if the primary is dead, tandemqctl promote lets this "
              "node take over and go on alone";
  }
  return agreed;
}

}  // namespace tandemq::failover
