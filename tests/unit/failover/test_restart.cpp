// What an agent that restarts must not forget: the peer's later reign, what it owes, and what its
// broker was when it died meanwhile.
#include <doctest/doctest.h>

#include "failover/core/impairments.h"
#include "one_agent.h"

namespace tandemq::failover {
namespace {

// Its broker went on alone once; the peer has reigned since, and the agent has heard so.
struct Outreigned : OneAgent {
  explicit Outreigned(bool manual) : OneAgent(1, manual) {
    broker.epoch = make_epoch(5, 1);
    broker.last_lsn = 100;
    broker.in_sync = broker.was_in_sync = broker.was_solo = true;
    broker.peer_silent_ms = 100000;
    peer.phase = Phase::primary;
    peer.role = Role::primary;
    peer.pair_state = PairState::solo;
    peer.epoch = make_epoch(6, 2);
    peer.last_lsn = 5000;
    peer.in_sync = peer.was_solo = peer.holds_address = true;
  }
};

}  // namespace

TEST_CASE("a restarted agent does not serve by an old claim after the peer's later reign") {
  for (const bool manual : {false, true}) {
    CAPTURE(manual);
    Outreigned a(manual);
    a.tell(EventKind::broker_up, a.broker);
    a.pass(1000, true);
    a.restart();
    a.tell(EventKind::broker_up, a.broker);
    a.pass(20000, false);
    CHECK_FALSE(a.was_ordered(Order::promote));
  }
}

TEST_CASE("a broker behind the peer's later reign is told so, which outlives its agent and host") {
  for (const bool manual : {false, true}) {
    CAPTURE(manual);
    Outreigned a(manual);
    a.tell(EventKind::broker_up, a.broker);
    a.pass(5000, true);
    CHECK(a.was_ordered(Order::lose_sync));
  }
}

TEST_CASE("a broker whose link to the later reign holds follows it and is left alone") {
  Outreigned a(false);
  a.broker.peer_connected = true;
  a.tell(EventKind::broker_up, a.broker);
  a.pass(5000, true);
  CHECK_FALSE(a.was_ordered(Order::lose_sync));
}

// Nobody there serves, and a keepalived that stands by tells an agent that came after it nothing.
TEST_CASE("a standby whose agent was restarted takes over from a primary that is silent") {
  OneAgent b(2);
  b.broker.epoch = b.peer.epoch = make_epoch(5, 1);
  b.broker.last_lsn = b.peer.last_lsn = 100;
  b.broker.in_sync = b.broker.was_in_sync = b.broker.peer_connected = true;
  b.broker.pair_state = b.peer.pair_state = PairState::paired;
  b.peer.phase = Phase::primary;
  b.peer.role = Role::primary;
  b.peer.in_sync = b.peer.holds_address = true;
  b.peer.vrrp = Vrrp::master;
  b.tell(EventKind::broker_up, b.broker);
  const auto follow = [&b] {
    for (int i = 0; i < 20; ++i) {
      b.broker.peer_silent_ms = 0;
      b.pass(100, true);
    }
  };
  follow();
  REQUIRE(b.phase() == Phase::standby);
  b.restart(Vrrp::unknown);
  b.tell(EventKind::broker_up, b.broker);
  follow();
  CHECK(impairments(b.machine->state(), b.settings, "b", "a").empty());
  b.broker.peer_connected = false;
  b.pass(600, false);
  CHECK(b.was_ordered(Order::promote));
  // The address that it takes then is its own doing, and its own to give back.
  b.tell(EventKind::order_done, OrderDone{Order::promote, true, false, make_epoch(6, 2), 0, {}});
  b.broker.role = Role::primary;
  b.broker.pair_state = PairState::waiting;
  b.broker.epoch = make_epoch(6, 2);
  b.tell(EventKind::broker_status, b.broker);
  CHECK(b.machine->state().took_address);
  b.tell(EventKind::address, true);
  CHECK(b.machine->state().took_address);
  CHECK(b.machine->state().facts.vrrp == Vrrp::backup);
}

namespace {

// Its broker is gone, and the peer, primary of the reign before, was allowed to go on alone.
struct Granting : OneAgent {
  explicit Granting(unsigned index) : OneAgent(index) {
    broker.epoch = peer.epoch = make_epoch(5, 3 - index);
    broker.last_lsn = peer.last_lsn = 100;
    broker.was_in_sync = true;
    peer.phase = Phase::waiting;
    peer.role = Role::primary;
    tell(EventKind::broker_up, broker);
    tell(EventKind::broker_lost);
    hear(now - 20);
    peer.ask = {AskKind::solo, 7};
    hear(now - 20);
    REQUIRE(machine->state().answer == Answer{peer.boot, 7});
    REQUIRE(machine->state().owe_lose_sync);
  }
};

}  // namespace

TEST_CASE("a restarted agent remembers that it owes the peer an order to lose sync") {
  Granting a(1);
  a.restart();
  a.tell(EventKind::broker_up, a.broker);
  CHECK_FALSE(report_of(a.machine->state(), a.settings).was_in_sync);
  CHECK(a.was_ordered(Order::lose_sync));
}

TEST_CASE("what was owed is void once this node's broker has reigned alone since") {
  Granting a(2);
  // No agent saw its broker come back, follow, take over as planned and go on alone.
  a.restart();
  a.broker.last_lsn = 200;
  a.broker.in_sync = a.broker.was_solo = true;
  bool keeps = false;
  SUBCASE("a later reign of its own") {
    a.broker.epoch = make_epoch(6, 2);
    keeps = true;
  }
  SUBCASE("a later reign that was not alone: it may have begun and done nothing") {
    a.broker.epoch = make_epoch(6, 2);
    a.broker.was_solo = false;
  }
  SUBCASE("one beside the peer's") {
    a.broker.epoch = make_epoch(5, 2);
  }
  SUBCASE("one before that") {
    a.broker.epoch = make_epoch(4, 2);
  }
  SUBCASE("a later reign of the peer's") {
    a.broker.epoch = make_epoch(6, 1);
  }
  a.tell(EventKind::broker_up, a.broker);
  CHECK(a.was_ordered(Order::lose_sync) != keeps);
}

namespace {

// Its broker followed the peer and died, and the peer was allowed to go on alone meanwhile.
struct Owing : OneAgent {
  Owing() : OneAgent(1) {
    broker.epoch = peer.epoch = make_epoch(5, 2);
    broker.last_lsn = peer.last_lsn = 100;
    peer.phase = Phase::primary;
    peer.role = Role::primary;
    peer.pair_state = PairState::paired;
    follow(true);
    tell(EventKind::broker_up, broker);
    pass(1000, true);
    REQUIRE(phase() == Phase::standby);
  }
  void follow(bool on) {
    broker.was_in_sync = true;
    broker.in_sync = broker.peer_connected = on;
    broker.pair_state = on ? PairState::paired : PairState::waiting;
  }
  void ask() {
    peer.phase = Phase::waiting;
    peer.pair_state = PairState::waiting;
    peer.ask = {AskKind::solo, ++asked};
    hear(now - 20);
  }
  void paired_again() {
    peer.phase = Phase::primary;
    peer.pair_state = PairState::paired;
    peer.ask = {};
    follow(true);
  }
  std::uint64_t asked = 6;
};

}  // namespace

TEST_CASE("what was owed for a process that is gone is void once a later one was taken in sync") {
  Owing a;
  a.tell(EventKind::broker_lost);
  a.ask();
  REQUIRE(a.machine->state().answer == Answer{a.peer.boot, a.asked});
  a.restart();
  a.paired_again();
  a.tell(EventKind::broker_up, a.broker);
  a.pass(100, true);
  CHECK_FALSE(a.was_ordered(Order::lose_sync));
  CHECK(a.phase() == Phase::standby);
  // The primary's host dies right then.
  a.pass(1000, false);
  a.broker.peer_connected = false;
  a.tell(EventKind::broker_status, a.broker);
  a.pass(400, false);
  CHECK(a.was_ordered(Order::promote));
}

// It waited unread while the agent stood still, and the primary waits no longer.
TEST_CASE("a question of long ago is not granted, and nothing is owed for it") {
  Owing a;
  SUBCASE("while its broker is gone") {
    a.tell(EventKind::broker_lost);
  }
  SUBCASE("while its broker follows") {}
  a.now += 5000;
  a.tell(EventKind::tick);
  a.peer.phase = Phase::waiting;
  a.peer.pair_state = PairState::waiting;
  a.peer.ask = {AskKind::solo, ++a.asked};
  a.hear(a.now - 4000);
  CHECK_FALSE(a.was_ordered(Order::lose_sync));
  CHECK_FALSE(a.machine->state().owe_lose_sync);
  CHECK(a.machine->state().answer != Answer{a.peer.boot, a.asked});
  // It still stands, says a word that has heard of this agent since.
  a.hear(a.now);
  CHECK((a.was_ordered(Order::lose_sync) || a.machine->state().owe_lose_sync));
}

// The process that it finds then may have been taken in sync before the question, and the primary
// may have gone on alone since.
TEST_CASE("an agent that stood still does not know which process of its broker's it owed for") {
  Owing a;
  SUBCASE("its broker was gone when it fell asleep") {
    a.tell(EventKind::broker_lost);
  }
  SUBCASE("its broker was fenced when it fell asleep, and is gone when it wakes") {
    a.broker.role = Role::fenced;
    a.tell(EventKind::broker_status, a.broker);
    REQUIRE(a.phase() == Phase::fenced);
  }
  a.now += 5000;
  a.tell(EventKind::tick);
  SUBCASE("it hears the question before it hears of the end") {
    a.ask();
    a.hear(a.now);
  }
  a.tell(EventKind::broker_lost);
  a.ask();
  a.hear(a.now);
  REQUIRE(a.machine->state().answer == Answer{a.peer.boot, a.asked});
  a.broker.role = Role::standby;
  a.follow(true);
  a.tell(EventKind::broker_up, a.broker);
  CHECK(a.machine->state().owe_lose_sync);
  a.pass(1000, false);
  a.broker.peer_connected = false;
  a.tell(EventKind::broker_status, a.broker);
  a.pass(400, false);
  CHECK_FALSE(a.was_ordered(Order::promote));
  CHECK(a.was_ordered(Order::lose_sync));
}

TEST_CASE("an order to lose sync that the agent did not see answered: the primary's word tells") {
  Owing a;
  a.ask();
  REQUIRE(a.was_ordered(Order::lose_sync));
  a.restart();
  a.follow(true);
  SUBCASE("it counts on this broker again") {
    a.paired_again();
    a.tell(EventKind::broker_up, a.broker);
    a.pass(2000, true);
    CHECK_FALSE(a.was_ordered(Order::lose_sync));
    CHECK(a.phase() == Phase::standby);
  }
  SUBCASE("it still waits") {
    a.tell(EventKind::broker_up, a.broker);
    a.pass(500, true);
    CHECK(a.was_ordered(Order::lose_sync));
  }
  SUBCASE("it is not heard") {
    a.tell(EventKind::broker_up, a.broker);
    a.pass(500, false);
    CHECK(a.was_ordered(Order::lose_sync));
    CHECK_FALSE(a.was_ordered(Order::promote));
  }
  SUBCASE("what it said before it heard of this broker is of the past") {
    a.paired_again();
    a.tell(EventKind::broker_up, a.broker);
    a.hear(a.now - 20);
    CHECK(a.machine->state().owe_lose_sync);
  }
}

// No agent was there when its broker came back, followed, and was handed the reign.
TEST_CASE("what was owed is void once this node's broker reigns over a whole pair") {
  Owing a;
  a.tell(EventKind::broker_lost);
  a.ask();
  REQUIRE(a.machine->state().owe_lose_sync);
  a.restart();
  a.tell(EventKind::vrrp, Vrrp::master);
  a.broker.role = Role::primary;
  a.broker.epoch = a.peer.epoch = make_epoch(6, 1);
  a.follow(true);
  a.peer.phase = Phase::standby;
  a.peer.role = Role::standby;
  a.peer.pair_state = PairState::paired;
  a.peer.ask = {};
  a.peer.in_sync = true;
  a.tell(EventKind::broker_up, a.broker);
  a.pass(1000, true);
  REQUIRE(a.phase() == Phase::primary);
  // The switch that all cables are in dies: this node fences itself, the peer's lease runs out.
  a.broker.peer_connected = false;
  a.broker.pair_state = PairState::waiting;
  a.tell(EventKind::broker_status, a.broker);
  a.pass(400, false);
  a.tell(EventKind::interface, false);
  a.pass(20, false);
  REQUIRE(a.was_ordered(Order::demote));
  a.tell(EventKind::order_done, OrderDone{Order::demote, true, false, 0, 0, {}});
  a.broker.role = Role::standby;
  a.tell(EventKind::broker_status, a.broker);
  a.pass(5000, false);
  CHECK(a.phase() == Phase::waiting_for_peer);
  CHECK_FALSE(a.was_ordered(Order::lose_sync));
}

TEST_CASE("the broker of a whole pair's primary dies while its agent restarts: released") {
  Reigning a;
  a.restart();
  a.tell(EventKind::broker_lost);
  CHECK(a.phase() == Phase::released);
  CHECK(a.released());
}

TEST_CASE("the broker of a primary that may be alone dies while its agent restarts: kept") {
  Reigning a;
  a.broker.pair_state = PairState::waiting;
  a.broker.peer_connected = false;
  a.broker.change = 4;
  a.tell(EventKind::broker_status, a.broker);
  a.pass(5000, false);
  REQUIRE(a.was_ordered(Order::solo));
  a.restart();
  a.tell(EventKind::broker_lost);
  CHECK(a.phase() == Phase::broker_down);
  CHECK_FALSE(a.released());
}

TEST_CASE("an agent that knows nothing of its broker's past releases nothing") {
  OneAgent a(1);
  a.tell(EventKind::broker_lost);
  CHECK(a.phase() == Phase::broker_down);
}

}  // namespace tandemq::failover
