#include "failover/core/impairments.h"

#include <algorithm>

namespace tandemq::failover {
namespace {

// The address moves in less; a status asked in the middle of a failover shall not cry wolf.
constexpr TimeMs kMovesMs = 2000;
constexpr TimeMs kOldMs = 1000;

using Words = std::vector<std::string>;

void judge_keepalived(Words& out, bool alive, Vrrp vrrp, const std::string& node) {
  if (!alive) {
    out.push_back("keepalived does not run on " + node + ": the address cannot go there");
  } else if (vrrp == Vrrp::fault) {
    out.push_back("keepalived of " + node +
                  " is in fault, the address cannot go there: its network is down, or it became "
                  "master beside the primary and was called back");
  }
}

void judge_own(Words& out, const State& s, const std::string& own) {
  const Facts& f = s.facts;
  judge_keepalived(out, f.keepalived_alive, f.vrrp, own);
  if (!f.interface_up && f.vrrp != Vrrp::fault)
    out.push_back("the interface of the service network is down on " + own);
  if (!f.gateway_answers) out.push_back("the gateway does not answer " + own);
}

// Both are judged by what each says of itself, so the peer's word has to be fresh.
void judge_address(Words& out, const State& s) {
  const Facts& f = s.facts;
  if (!f.keepalived_alive || f.now < f.vrrp_since + kMovesMs) return;
  if (f.vrrp == Vrrp::master && f.peer.vrrp == Vrrp::master)
    out.push_back("keepalived is master on both nodes: VRRP does not pass between them");
  const bool serves = s.phase == Phase::primary && f.now >= s.since + kMovesMs;
  if (serves && !f.holds_address && f.vrrp != Vrrp::fault)
    out.push_back("the node that serves does not hold the address");
}

}  // namespace

bool word_is_fresh(const State& s, const Settings& settings) {
  const Facts& f = s.facts;
  return f.peer_known && f.now - f.peer_heard_at < std::max(settings.silence_ms, kOldMs);
}

std::vector<std::string> impairments(const State& s, const Settings& settings,
                                     const std::string& own, const std::string& peer) {
  const Facts& f = s.facts;
  Words out;
  judge_own(out, s, own);
  if (!f.peer_known) {
    out.push_back("the agent of " + peer + " was never heard");
  } else if (!word_is_fresh(s, settings)) {
    out.push_back("the agent of " + peer + " was last heard " +
                  std::to_string((f.now - f.peer_heard_at) / 1000) +
                  " s ago: what is told of that node is as old");
  } else {
    judge_keepalived(out, f.peer.keepalived_alive, f.peer.vrrp, peer);
    judge_address(out, s);
  }
  return out;
}

}  // namespace tandemq::failover
