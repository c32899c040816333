#include <doctest/doctest.h>

#include "failover/core/guards.h"

using namespace tandemq::failover;

TEST_CASE("of two leases the shorter one counts: the other node goes alone by its own") {
  Settings set;
  set.in_sync_lease_ms = 5000;
  State s;
  s.facts.lease_from = 1000;
  s.facts.now = 4000;
  CHECK(lease_valid(s, set));  // an agent that tells none
  s.facts.peer.in_sync_lease_ms = 2000;
  CHECK_FALSE(lease_valid(s, set));
  s.facts.peer.in_sync_lease_ms = 60000;
  CHECK(lease_valid(s, set));
  s.facts.now = 6000;
  CHECK_FALSE(lease_valid(s, set));
}
