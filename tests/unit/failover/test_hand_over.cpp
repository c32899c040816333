// A broker that stopped serving to hand over, and whose peer did not begin its reign.
#include <doctest/doctest.h>

#include "one_agent.h"

namespace tandemq::failover {
namespace {

// Its broker has just stood down by itself, as on SIGTERM.
struct StoodDown : Reigning {
  StoodDown() {
    broker.role = Role::standby;
    broker.pair_state = PairState::waiting;
    tell(EventKind::broker_status, broker);
    REQUIRE_FALSE(released());
  }
  void link_breaks() {
    broker.peer_connected = false;
    tell(EventKind::broker_status, broker);
  }
  void peer_reigns() {
    peer.role = Role::primary;
    peer.phase = Phase::primary;
    peer.pair_state = PairState::waiting;
    peer.epoch = make_epoch(6, 2);
    hear(now - 20);
  }
};

}  // namespace

TEST_CASE("a hand-over that breaks off behind the step down is told as released") {
  StoodDown a;
  SUBCASE("its broker ends") {
    a.tell(EventKind::broker_lost);
  }
  SUBCASE("its broker stays") {
    a.link_breaks();
    CHECK_FALSE(a.released());  // the peer may have begun its reign
    a.pass(150, true);
  }
  CHECK(a.released());
  a.peer_reigns();
  CHECK_FALSE(a.released());
}

TEST_CASE("a hand-over that succeeds releases nothing") {
  StoodDown a;
  SUBCASE("and the peer is heard at once") {
    a.peer_reigns();
    a.link_breaks();
  }
  SUBCASE("and the peer is heard a moment later") {
    a.link_breaks();
    a.pass(50, true);
    CHECK_FALSE(a.released());
    a.peer_reigns();
  }
  a.pass(500, true);
  CHECK_FALSE(a.released());
  a.tell(EventKind::broker_lost);
  CHECK_FALSE(a.released());
}

TEST_CASE("a primary that steps down because the peer reigns later releases nothing") {
  StoodDown a;
  a.broker.role = Role::primary;
  a.tell(EventKind::broker_status, a.broker);
  a.broker.role = Role::standby;
  a.broker.in_sync = a.broker.was_in_sync = false;
  a.link_breaks();
  a.pass(150, true);
  CHECK_FALSE(a.released());
}

TEST_CASE("who offered its reign and holds everything alone releases nothing") {
  StoodDown a;
  a.broker.was_solo = true;
  a.link_breaks();
  a.pass(150, true);
  CHECK_FALSE(a.released());
  a.tell(EventKind::broker_lost);
  CHECK_FALSE(a.released());
}

TEST_CASE(
    "the primary stops serving, nobody follows it, and its host goes: the standby takes over") {
  OneAgent b(2);
  b.broker.epoch = b.peer.epoch = make_epoch(5, 1);
  b.broker.last_lsn = b.peer.last_lsn = 100;
  b.broker.in_sync = b.broker.was_in_sync = b.broker.peer_connected = true;
  b.broker.pair_state = b.peer.pair_state = PairState::paired;
  b.peer.role = Role::primary;
  b.peer.phase = Phase::primary;
  b.tell(EventKind::broker_up, b.broker);
  b.pass(2000, true);
  REQUIRE(b.phase() == Phase::standby);
  b.peer.role = Role::standby;
  b.peer.phase = Phase::broker_down;
  b.peer.broker_alive = false;
  b.peer.was_in_sync = true;
  b.broker.peer_connected = false;
  b.broker.pair_state = PairState::waiting;
  b.tell(EventKind::broker_status, b.broker);
  b.pass(1100, true);
  REQUIRE(b.phase() == Phase::waiting_for_peer);
  b.pass(500, false);
  CHECK(b.was_ordered(Order::promote));
}

}  // namespace tandemq::failover
