// An agent that stood still while roles went to and fro without it, from broker to broker: what it
// knew of its own broker is then as old as the datagrams that wait unread.
#include <doctest/doctest.h>

#include "failover/core/guards.h"
#include "one_agent.h"

namespace tandemq::failover {
namespace {

constexpr TimeMs kStoodStill = 4000;

Report reigning(Report peer, Epoch epoch) {
  peer.role = Role::primary;
  peer.phase = Phase::primary;
  peer.epoch = epoch;
  peer.holds_address = true;
  return peer;
}

// A's agent stops; B reigns with epoch 6 meanwhile.
struct Stopped : Reigning {
  Stopped() {
    stopped_at = now;
    before = broker;
    peer = reigning(peer, make_epoch(6, 2));
  }
  void wake() {
    now += kStoodStill;
    asked_status = false;
    tell(EventKind::tick);
  }
  // As it waited in the socket.
  void old_status() {
    BrokerStatus old = before;
    old.asked_at = stopped_at;
    tell(EventKind::broker_status, old);
  }
  TimeMs stopped_at = 0;
  BrokerStatus before;
};

}  // namespace

TEST_CASE("a reign of long ago demotes no primary whose broker has reigned later still") {
  Stopped a;
  a.wake();
  CHECK(a.asked_status);
  SUBCASE("its own broker's old status waited too") {
    a.old_status();
  }
  SUBCASE("nothing of its broker's waited") {}
  for (TimeMs ago = 3000; ago > 2000; ago -= 50) a.hear(a.now - ago);
  CHECK_FALSE(a.was_ordered(Order::demote));
  // B's words go on to the present, where it follows again.
  a.peer.role = Role::standby;
  a.peer.phase = Phase::standby;
  a.peer.epoch = make_epoch(7, 1);
  a.broker.epoch = make_epoch(7, 1);
  SUBCASE("then its broker answers") {}
  SUBCASE("they come before its broker answers") {
    a.hear(a.now - 20);
  }
  a.tell(EventKind::broker_status, a.broker);
  a.pass(1000, true);
  CHECK_FALSE(a.was_ordered(Order::demote));
  CHECK(a.phase() == Phase::primary);
}

TEST_CASE("a host that wakes beside a new primary is demoted as soon as its broker has answered") {
  Stopped a;
  a.wake();
  CHECK(a.asked_status);
  SUBCASE("whatever comes first: the word") {
    a.hear(a.stopped_at - 20);
    CHECK_FALSE(a.was_ordered(Order::demote));
    a.tell(EventKind::broker_status, a.broker);
  }
  SUBCASE("the answer") {
    a.tell(EventKind::broker_status, a.broker);
    a.hear(a.stopped_at - 20);
  }
  CHECK(a.was_ordered(Order::demote));
}

TEST_CASE("as is a virtual machine whose clock stood still") {
  Stopped a;
  a.now += 10;
  a.peer_ahead += kStoodStill;
  a.hear(a.stopped_at - 20);
  CHECK_FALSE(a.was_ordered(Order::demote));
  CHECK(a.asked_status);
  a.tell(EventKind::broker_status, a.broker);
  CHECK(a.was_ordered(Order::demote));
}

TEST_CASE("a primary that is cut off from clients stays until its peer can serve now") {
  Stopped a;
  a.peer = Reigning().peer;
  a.wake();
  a.tell(EventKind::broker_status, a.broker);
  a.tell(EventKind::interface, false);
  a.now += 30;
  a.hear(a.now - 3000);
  CHECK_FALSE(a.was_ordered(Order::demote));
  a.hear(a.now);
  CHECK(a.was_ordered(Order::demote));
}

TEST_CASE("silence that nobody has listened to fences no primary without its cable") {
  Reigning a;
  a.broker.pair_state = PairState::waiting;
  a.tell(EventKind::broker_status, a.broker);
  a.now += kStoodStill;
  a.tell(EventKind::interface, false);
  a.now += 30;
  a.tell(EventKind::tick);
  CHECK_FALSE(a.was_ordered(Order::demote));
  a.pass(400, false);
  CHECK(a.was_ordered(Order::demote));
}

TEST_CASE("an agent that stood still asks and releases nothing before it knows its broker") {
  Reigning a;
  SUBCASE("a question") {
    a.broker.pair_state = PairState::waiting;
    a.broker.peer_connected = false;
    a.tell(EventKind::broker_status, a.broker);
    REQUIRE(a.says().ask.kind == AskKind::solo);
    a.now += kStoodStill;
    a.tell(EventKind::tick);
    CHECK(a.says().ask.kind == AskKind::none);
    a.tell(EventKind::broker_status, a.broker);
    CHECK(a.says().ask.kind == AskKind::solo);
  }
  SUBCASE("a release") {
    a.tell(EventKind::keepalived_lost);
    a.hear(a.now);
    REQUIRE(a.phase() == Phase::demoting);
    a.broker.role = Role::standby;
    a.tell(EventKind::broker_status, a.broker);
    REQUIRE(a.released());
    a.now += 1000;
    a.tell(EventKind::tick);
    CHECK_FALSE(a.released());
    a.tell(EventKind::broker_status, a.broker);
    CHECK(a.released());
  }
}

TEST_CASE("an answer that waited unread is no reason to kill a broker") {
  Reigning a;
  a.tell(EventKind::keepalived_lost);
  a.hear(a.now);
  REQUIRE(a.was_ordered(Order::demote));
  a.now += kStoodStill;
  a.tell(EventKind::tick);
  CHECK_FALSE(a.killed);
  a.pass(400, false);
  CHECK(a.killed);
}

TEST_CASE("a claim to have been alone waits until what the peer says is heard") {
  WentAlone a;
  a.peer.role = Role::primary;
  a.peer.phase = Phase::primary;
  a.peer.epoch = make_epoch(4, 2);
  a.peer.in_sync = true;
  a.tell(EventKind::broker_up, a.broker);
  a.pass(3000, true);
  REQUIRE_FALSE(a.was_ordered(Order::promote));
  a.now += kStoodStill;
  a.tell(EventKind::tick);
  a.tell(EventKind::broker_status, a.broker);
  // It stopped serving then, and serves now: the first of it is read first.
  a.peer.role = Role::standby;
  a.peer.phase = Phase::broker_down;
  a.peer.broker_alive = false;
  a.hear(a.now - kStoodStill);
  a.now += 1500;
  a.tell(EventKind::tick);
  CHECK_FALSE(a.was_ordered(Order::promote));
}

TEST_CASE(
    "a woken primary whose broker does not answer is demoted for a later reign all the same") {
  Stopped a;
  a.wake();
  for (TimeMs end = a.now + 400; a.now < end;) {
    a.now += 10;
    if (a.now % 50 == 0) a.hear(a.now - 20);
    a.tell(EventKind::tick);
    if (a.now < end - 200) CHECK_FALSE(a.was_ordered(Order::demote));
  }
  CHECK(a.was_ordered(Order::demote));
}

TEST_CASE(
    "an agent that stands still again and again gives up being in sync when its lease is over") {
  Following b;
  b.broker.peer_connected = false;
  b.broker.pair_state = PairState::waiting;
  for (TimeMs end = b.now + 6000; b.now < end;) {
    b.now += 150;
    b.broker.asked_at = b.now;
    b.tell(EventKind::broker_status, b.broker);
    b.tell(EventKind::tick);
  }
  CHECK(b.was_ordered(Order::lose_sync));
}

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
  WentAlone a;
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

TEST_CASE("the end of a process of long ago is not told while a later one may be there") {
  Reigning a;
  a.now += kStoodStill;
  a.tell(EventKind::broker_lost);
  REQUIRE(a.phase() == Phase::released);
  CHECK_FALSE(a.released());
  a.pass(100, false);
  CHECK(a.released());
}

TEST_CASE("a standby that woke gives its claim up by what its broker answers, however late") {
  Following b;
  const TimeMs heard_there = b.now - 20;
  b.now += kStoodStill;
  b.tell(EventKind::tick);
  b.link(false);
  b.broker.asked_at = b.now - kStoodStill;  // it waited unread
  b.peer.phase = Phase::broker_down;
  b.peer.role = Role::standby;
  b.peer.broker_alive = false;
  for (int i = 0; i < 40; ++i) {
    b.now += 50;
    b.hear(heard_there);
    b.tell(EventKind::broker_status, b.broker);
    b.tell(EventKind::tick);
  }
  CHECK(b.phase() == Phase::standby);
  b.broker.asked_at = b.now;
  b.tell(EventKind::broker_status, b.broker);
  CHECK(b.was_ordered(Order::lose_sync));
}

// What it says is read as it comes, though it never says that it has heard of this agent.
TEST_CASE("a node that went alone serves again beside a peer that hears nothing") {
  WentAlone a;
  a.peer.phase = Phase::broker_down;
  a.peer.broker_alive = false;
  const TimeMs heard_there = a.now;
  const auto pass = [&](TimeMs ms) {
    for (TimeMs end = a.now + ms; a.now < end;) {
      a.now += 50;
      a.hear(heard_there);
      a.tell(EventKind::tick);
    }
  };
  a.now += 50;
  a.hear(heard_there);
  a.now += 150;  // it stands still
  a.tell(EventKind::broker_up, a.broker);
  CHECK_FALSE(a.was_ordered(Order::promote));
  pass(3000);
  CHECK(a.was_ordered(Order::promote));
}

}  // namespace tandemq::failover
