// What an agent believes of words that are old: of a claim from before another reign, of a claim
// that a damaged state has made worthless, of datagrams that waited while it stood still.
#include <doctest/doctest.h>

#include "failover/core/guards.h"
#include "one_agent.h"

namespace tandemq::failover {
namespace {

// Both stood still in the middle of a question; the datagrams of a minute ago come first.
struct Frozen : OneAgent {
  using OneAgent::OneAgent;
  void wake_to_an_old_answer() {
    const TimeMs asked_at = now;
    now += 60000;
    tell(EventKind::tick);
    peer.answer = {settings.boot, machine->state().inquiry.id};
    hear(asked_at - 20);
  }
};

}  // namespace

TEST_CASE("a node that went alone does not serve by that claim after the peer's later reign") {
  for (const bool manual : {false, true}) {
    CAPTURE(manual);
    WentAlone a(manual);
    a.tell(EventKind::broker_up, a.broker);
    a.peer.phase = Phase::primary;
    a.peer.role = Role::primary;
    a.peer.pair_state = PairState::solo;
    a.peer.epoch = make_epoch(6, 2);
    a.peer.last_lsn = 5000;
    a.peer.in_sync = a.peer.was_solo = a.peer.holds_address = true;
    a.pass(10000, true);
    a.pass(20000, false);
    CHECK_FALSE(a.was_ordered(Order::promote));
    CHECK_FALSE(electable(a.machine->state()));
  }
}

// Its datagrams arrive, ours do not: an agent that has just begun can take none of them for a
// present one. That the peer reigned is true at any age.
TEST_CASE(
    "a later reign that is heard of through an unproven word keeps a primary from going alone") {
  Reigning a;
  a.broker.pair_state = PairState::waiting;
  a.broker.peer_connected = false;
  a.restart();
  a.tell(EventKind::vrrp, Vrrp::master);
  a.tell(EventKind::broker_up, a.broker);
  Report there = a.peer;
  there.role = Role::primary;
  there.phase = Phase::primary;
  bool later = false;
  SUBCASE("of the reign that the peer began") {
    there.epoch = make_epoch(6, 2);
    later = true;
  }
  SUBCASE("of no other reign than its own") {}
  for (int i = 0; i < 100; ++i) {
    a.tell(EventKind::peer_unproven, PeerReport{there});
    a.pass(50, false);
  }
  CHECK(a.was_ordered(Order::solo) != later);
  CHECK_FALSE(peer_fresh(a.machine->state(), a.settings));
}

// Broker and agent were away while the primary went on alone; the link's other end has gone since,
// which the broker cannot know yet.
TEST_CASE("a standby whose primary is alone does not wait for its link to break") {
  OneAgent b(2);
  b.broker.epoch = make_epoch(5, 1);
  b.broker.last_lsn = 100;
  b.broker.in_sync = b.broker.was_in_sync = b.broker.peer_connected = true;
  b.broker.pair_state = PairState::paired;
  b.peer.phase = Phase::primary;
  b.peer.role = Role::primary;
  b.peer.epoch = make_epoch(5, 1);
  b.peer.last_lsn = 100;
  b.peer.in_sync = b.peer.holds_address = true;
  b.peer.pair_state = PairState::solo;
  b.tell(EventKind::broker_up, b.broker);
  SUBCASE("when it hears so it gives up being in sync") {
    b.pass(200, true);
    CHECK(b.was_ordered(Order::lose_sync));
  }
  SUBCASE("and does not take over when it falls silent") {
    b.pass(100, true);
    b.broker.peer_connected = false;
    b.pass(5000, false);
  }
  SUBCASE("what it said before this broker was in sync counts for nothing") {
    b.hear(b.now - 20);
    b.pass(20, false);
    CHECK_FALSE(b.was_ordered(Order::lose_sync));
  }
  CHECK_FALSE(b.was_ordered(Order::promote));
}

TEST_CASE("a node that went alone serves again where no later reign is known") {
  WentAlone a;
  a.tell(EventKind::broker_up, a.broker);
  a.pass(10000, false);
  CHECK(a.was_ordered(Order::promote));
}

TEST_CASE("neither node serves by an old claim where what was acknowledged alone may be lost") {
  Settings of_b;
  of_b.index = 2;
  State b;
  b.facts.broker_alive = b.facts.broker_known = b.facts.peer_known = true;
  b.facts.broker.epoch = make_epoch(5, 1);
  b.facts.broker.last_lsn = 100;
  b.facts.broker.was_in_sync = true;
  State a = b;
  a.facts.broker = {};
  a.facts.broker.last_lsn = 5000;
  a.facts.broker.lost_alone = true;
  Settings of_a;
  a.facts.peer = report_of(b, of_b);
  b.facts.peer = report_of(a, of_a);
  CHECK_FALSE(electable(a));
  CHECK_FALSE(peer_outranks(a, of_a));
  CHECK_FALSE(outranks_peer(b, of_b));
}

TEST_CASE("an answer that waited unread while the agent stood still grants nothing") {
  Frozen a(1);
  a.tell(EventKind::vrrp, Vrrp::master);
  a.tell(EventKind::address, true);
  a.broker.role = Role::primary;
  a.broker.pair_state = PairState::paired;
  a.broker.epoch = a.peer.epoch = make_epoch(5, 1);
  a.broker.last_lsn = a.peer.last_lsn = 100;
  a.broker.in_sync = a.broker.peer_connected = a.peer.in_sync = true;
  a.tell(EventKind::broker_up, a.broker);
  a.peer.phase = Phase::standby;
  a.peer.pair_state = PairState::paired;
  a.pass(3000, true);
  a.broker.pair_state = PairState::waiting;
  a.broker.peer_connected = false;
  a.broker.change = 4;
  a.tell(EventKind::broker_status, a.broker);
  REQUIRE(a.machine->state().inquiry.purpose == Purpose::solo);
  a.peer.phase = Phase::out_of_sync;
  a.peer.in_sync = false;
  a.wake_to_an_old_answer();
  CHECK_FALSE(a.was_ordered(Order::solo));
  // The same answer, in a report that has seen what this agent sent since.
  a.hear(a.now);
  CHECK(a.was_ordered(Order::solo));
}

TEST_CASE("a cold start is not granted by an answer from before a standstill") {
  Frozen a(2);
  a.broker.epoch = a.peer.epoch = make_epoch(5, 1);
  a.broker.last_lsn = 200;
  a.broker.in_sync = a.broker.was_in_sync = a.broker.peer_connected = true;
  a.tell(EventKind::broker_up, a.broker);
  a.peer.phase = Phase::waiting_for_peer;
  a.peer.last_lsn = 150;
  a.peer.was_in_sync = true;
  a.pass(400, true);
  REQUIRE(a.machine->state().inquiry.purpose == Purpose::cold_start);
  a.wake_to_an_old_answer();
  CHECK_FALSE(a.was_ordered(Order::promote));
}

TEST_CASE("a status from before an order to go alone was carried out does not take it back") {
  State s;
  s.phase = Phase::waiting;
  s.pending = Order::solo;
  s.facts.maybe_solo = s.facts.broker_known = s.facts.broker_connected = true;
  BrokerStatus told;
  told.role = Role::primary;
  told.pair_state = PairState::waiting;
  step(s, {EventKind::broker_status, 10, told}, Settings{});
  CHECK(s.facts.maybe_solo);
}

TEST_CASE("an order to lose sync that the broker died over is owed") {
  State s;
  s.phase = Phase::standby;
  s.lose_sync_pending = s.facts.broker_known = s.facts.broker_alive = true;
  step(s, {EventKind::broker_lost, 10, {}}, Settings{});
  CHECK(s.owe_lose_sync);
}

TEST_CASE("permission to go alone that was asked for in an earlier episode is not waited for") {
  State s;
  s.inquiry = {Purpose::solo, 1, 0, 7};
  s.facts.broker.change = 7;
  CHECK_FALSE(guard::episode_over.holds(s, {}, Settings{}));
  s.facts.broker.change = 8;
  CHECK(guard::episode_over.holds(s, {}, Settings{}));
}

}  // namespace tandemq::failover
