#include <doctest/doctest.h>

#include <algorithm>

#include "failover/core/fsm.h"
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

// No primary went on alone behind the back of a node that did so itself.
TEST_CASE("the lease of a node that went on alone before does not run out") {
  Settings set;
  State s;
  s.phase = Phase::out_of_sync;
  s.facts.now = s.since = s.facts.peer_primary_at = 60000;
  s.facts.broker_known = s.facts.broker_alive = s.facts.broker_connected = true;
  s.facts.broker.in_sync = true;
  const auto gives_up = [&](bool was_solo) {
    State now = s;
    now.facts.broker.was_solo = was_solo;
    const Actions actions = step(now, {EventKind::tick, 60000, {}}, set);
    return std::any_of(actions.begin(), actions.end(),
                       [](const Action& a) { return a.order == Order::lose_sync; });
  };
  CHECK(gives_up(false));
  CHECK_FALSE(gives_up(true));
}
