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

namespace {

// A standby whose primary has stopped serving: nobody reigns.
struct Left : OneAgent {
  Left() : OneAgent(2) {
    broker.epoch = peer.epoch = make_epoch(5, 1);
    broker.last_lsn = peer.last_lsn = 100;
    broker.in_sync = broker.was_in_sync = broker.peer_connected = true;
    broker.pair_state = peer.pair_state = PairState::paired;
    peer.role = Role::primary;
    peer.phase = Phase::primary;
    tell(EventKind::broker_up, broker);
    pass(2000, true);
    REQUIRE(phase() == Phase::standby);
    peer.role = Role::standby;
    peer.phase = Phase::broker_down;
    peer.broker_alive = false;
    peer.was_in_sync = true;
    broker.peer_connected = false;
    broker.pair_state = PairState::waiting;
    tell(EventKind::broker_status, broker);
    pass(1100, true);
    REQUIRE(phase() == Phase::waiting_for_peer);
  }
};

}  // namespace

TEST_CASE(
    "the primary stops serving, nobody follows it, and its host goes: the standby takes over") {
  Left b;
  b.pass(500, false);
  CHECK(b.was_ordered(Order::promote));
}

TEST_CASE("who has let the peer serve does not serve because the peer falls silent") {
  Left b;
  b.peer.broker_alive = b.peer.broker_known = true;
  b.peer.in_sync = true;
  b.peer.last_lsn = 200;
  b.peer.phase = Phase::asking;
  b.peer.ask = {AskKind::promote, 7};
  b.pass(200, true);
  REQUIRE(report_of(b.machine->state(), b.settings).answer == Answer{b.peer.boot, 7});
  b.pass(5000, false);  // it may reign, and its agent be dead
  CHECK_FALSE(b.was_ordered(Order::promote));
}

TEST_CASE("a lease that ended while nobody reigned is not revived by a word of later") {
  Left b;
  for (TimeMs end = b.now + 2000; b.now < end;) {
    b.hear(b.now - 5000);  // heard, but it has not heard us
    b.now += 50;
    b.tell(EventKind::tick);
  }
  REQUIRE(b.phase() == Phase::waiting_for_peer);
  b.hear(b.now - 20);
  b.pass(5000, false);
  CHECK_FALSE(b.was_ordered(Order::promote));
}

TEST_CASE("who reigned and released the role does not serve because the peer falls silent") {
  OneAgent a(1);
  a.broker.epoch = a.peer.epoch = make_epoch(5, 2);
  a.broker.last_lsn = a.peer.last_lsn = 100;
  a.broker.in_sync = a.broker.was_in_sync = a.broker.peer_connected = true;
  a.broker.pair_state = a.peer.pair_state = PairState::paired;
  a.peer.role = Role::primary;
  a.peer.phase = Phase::primary;
  a.tell(EventKind::broker_up, a.broker);
  a.pass(2000, true);  // it follows: warm
  a.broker.role = Role::primary;
  a.broker.epoch = a.peer.epoch = make_epoch(6, 1);
  a.peer.role = Role::standby;
  a.peer.phase = Phase::standby;
  a.peer.in_sync = a.peer.was_in_sync = true;
  a.tell(EventKind::vrrp, Vrrp::master);
  a.tell(EventKind::address, true);
  a.tell(EventKind::broker_status, a.broker);
  a.pass(1000, true);
  a.broker.role = Role::standby;  // stands down to hand over
  a.broker.pair_state = PairState::waiting;
  a.tell(EventKind::broker_status, a.broker);
  a.broker.peer_connected = false;
  a.tell(EventKind::broker_status, a.broker);
  a.pass(2500, true);
  REQUIRE(a.phase() == Phase::waiting_for_peer);
  a.pass(5000, false);  // the peer may have gone on alone by the release
  CHECK_FALSE(a.was_ordered(Order::promote));
}

TEST_CASE("an order that is refused leaves the reply to the one before it") {
  Reigning a;
  std::vector<std::pair<std::uint64_t, bool>> replies;
  const auto tell = [&](EventKind kind, decltype(Event::data) data) {
    for (const Action& done : a.machine->handle({kind, a.now, std::move(data)})) {
      if (done.kind == ActionKind::reply) replies.emplace_back(done.request, done.on);
    }
  };
  tell(EventKind::operator_switchover, OperatorOrder{7, false});
  CHECK(replies.empty());
  tell(EventKind::operator_switchover, OperatorOrder{8, false});
  REQUIRE(replies.size() == 1);
  CHECK(replies[0] == std::pair<std::uint64_t, bool>{8, false});
  tell(EventKind::order_done, OrderDone{Order::switchover, true, false, 0, 0, {}});
  REQUIRE(replies.size() == 2);
  CHECK(replies[1] == std::pair<std::uint64_t, bool>{7, true});
}

}  // namespace tandemq::failover
