// What an agent that stood still knew before it did is old as well: of its broker's link, of the
// peer's silence.
#include <doctest/doctest.h>

#include "one_agent.h"

namespace tandemq::failover {
namespace {

// In sync with the primary A, and heard.
struct Following : OneAgent {
  Following() : OneAgent(2) {
    broker.epoch = peer.epoch = make_epoch(5, 1);
    broker.last_lsn = peer.last_lsn = 100;
    broker.in_sync = broker.was_in_sync = peer.in_sync = true;
    peer.phase = Phase::primary;
    peer.role = Role::primary;
    peer.vrrp = Vrrp::master;
    peer.holds_address = true;
    link(true);
    tell(EventKind::broker_up, broker);
    pass(2000, true);
    REQUIRE(phase() == Phase::standby);
  }
  void link(bool on) {
    broker.peer_connected = on;
    broker.peer_silent_ms = 0;
    broker.pair_state = peer.pair_state = on ? PairState::paired : PairState::waiting;
  }
};

}  // namespace

// The link came back meanwhile, and its broker has told so: but it is not read yet.
TEST_CASE("a standby whose agent stood still is not judged by a link that was down before") {
  Following b;
  b.link(false);
  b.tell(EventKind::broker_status, b.broker);
  b.pass(20, true);
  b.now += 5000;
  b.tell(EventKind::tick);
  SUBCASE("it is up, and the primary counts on this broker") {
    b.link(true);
    b.pass(20, false);
    b.tell(EventKind::broker_status, b.broker);
    b.pass(2000, true);
    CHECK_FALSE(b.was_ordered(Order::lose_sync));
    CHECK(b.phase() == Phase::standby);
  }
  SUBCASE("it is down, and nobody is heard") {
    b.pass(2000, false);
    CHECK(b.was_ordered(Order::lose_sync));
    CHECK_FALSE(b.was_ordered(Order::promote));
  }
}

TEST_CASE("that the primary was alone while the agent stood still does not make it so now") {
  Following b;
  const TimeMs heard_there = b.now - 20;
  b.now += 5000;
  b.tell(EventKind::tick);
  b.peer.pair_state = PairState::solo;
  b.hear(heard_there);
  CHECK_FALSE(b.was_ordered(Order::lose_sync));
  SUBCASE("it counts on this broker again") {
    b.peer.pair_state = PairState::paired;
    b.pass(1000, true);
    CHECK_FALSE(b.was_ordered(Order::lose_sync));
    CHECK(b.phase() == Phase::standby);
  }
  SUBCASE("it is alone still") {
    b.pass(200, true);
    CHECK(b.was_ordered(Order::lose_sync));
  }
}

// Its agent began, and stood still before it heard anybody.
TEST_CASE("a node that went alone, whose agent stood still, listens before it serves") {
  OneAgent a(1);
  a.broker.epoch = make_epoch(5, 1);
  a.broker.last_lsn = 100;
  a.broker.in_sync = a.broker.was_in_sync = a.broker.was_solo = true;
  a.broker.peer_silent_ms = 100000;
  a.now += 3000;
  a.tell(EventKind::broker_up, a.broker);
  a.tell(EventKind::tick);
  CHECK_FALSE(a.was_ordered(Order::promote));
  SUBCASE("to the peer, which has reigned since") {
    a.peer.phase = Phase::primary;
    a.peer.role = Role::primary;
    a.peer.pair_state = PairState::solo;
    a.peer.epoch = make_epoch(6, 2);
    a.peer.was_solo = a.peer.in_sync = true;
    a.tell(EventKind::peer_unproven, PeerReport{a.peer});
    a.pass(5000, false);
    CHECK_FALSE(a.was_ordered(Order::promote));
  }
  SUBCASE("to nobody") {
    a.pass(3000, false);
    CHECK(a.was_ordered(Order::promote));
  }
}

}  // namespace tandemq::failover
