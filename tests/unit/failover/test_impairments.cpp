// What a pair that replicates well would still fail over.
#include <doctest/doctest.h>

#include <functional>

#include "failover/core/impairments.h"

namespace tandemq::failover {
namespace {

State well() {
  State s;
  Facts& f = s.facts;
  f.now = 60000;
  s.phase = Phase::primary;
  f.keepalived_alive = f.holds_address = f.peer_known = true;
  f.vrrp = Vrrp::master;
  f.peer.keepalived_alive = true;
  f.peer.vrrp = Vrrp::backup;
  f.peer_heard_at = f.now - 20;
  return s;
}

std::string told(const std::function<void(State&)>& spoil) {
  State s = well();
  spoil(s);
  const auto found = impairments(s, Settings{}, "a", "b");
  CHECK(found.size() == 1);
  return found.empty() ? "" : found.front();
}

}  // namespace

TEST_CASE("a pair that is well has no impairments") {
  CHECK(impairments(well(), Settings{}, "a", "b").empty());
}

TEST_CASE("each thing that keeps the address or the reign from moving is told with its node") {
  CHECK(told([](State& s) { s.facts.peer.keepalived_alive = false; }) ==
        "keepalived does not run on b: the address cannot go there");
  CHECK(told([](State& s) { s.facts.keepalived_alive = false; }) ==
        "keepalived does not run on a: the address cannot go there");
  CHECK(
      told([](State& s) { s.facts.peer.vrrp = Vrrp::fault; }).starts_with("keepalived of b is in"));
  CHECK(told([](State& s) { s.facts.vrrp = Vrrp::fault; }).starts_with("keepalived of a is in"));
  CHECK(told([](State& s) { s.facts.peer.vrrp = Vrrp::master; }).find("VRRP does not pass") !=
        std::string::npos);
  CHECK(told([](State& s) { s.facts.holds_address = false; }) ==
        "the node that serves does not hold the address");
  CHECK(told([](State& s) { s.facts.gateway_answers = false; }).find("gateway") !=
        std::string::npos);
  CHECK(told([](State& s) { s.facts.interface_up = false; }).find("down on a") !=
        std::string::npos);
  CHECK(told([](State& s) { s.facts.peer_heard_at -= 5000; }) ==
        "the agent of b was last heard 5 s ago: what is told of that node is as old");
  CHECK(told([](State& s) { s.facts.peer_known = false; }) == "the agent of b was never heard");
}

TEST_CASE("what passes within a failover is not told") {
  State s = well();
  s.facts.vrrp_since = s.facts.now - 300;
  s.facts.holds_address = false;
  s.facts.peer.vrrp = Vrrp::master;
  CHECK(impairments(s, Settings{}, "a", "b").empty());
}

}  // namespace tandemq::failover
