// What the operator makes of a pair one of whose brokers went on alone and is gone.
#include <doctest/doctest.h>

#include "one_agent.h"

namespace tandemq::failover {
namespace {

// B was in sync when it stopped; A's agent is heard, its broker is not there.
struct Returned : OneAgent {
  Returned() : OneAgent(2) {
    broker.epoch = peer.epoch = make_epoch(5, 1);
    broker.last_lsn = 100;
    peer.last_lsn = 5000;
    broker.was_in_sync = true;
    broker.peer_silent_ms = 100000;
    peer.phase = Phase::broker_down;
    peer.broker_alive = false;
    peer.was_in_sync = true;
    tell(EventKind::broker_up, broker);
  }
  void promote(bool force) { tell(EventKind::operator_promote, OperatorOrder{1, force}); }
};

// A's broker went on alone and died.
struct Alone : Reigning {
  Alone() {
    broker.pair_state = PairState::solo;
    broker.was_solo = true;
    broker.peer_connected = false;
    tell(EventKind::broker_status, broker);
    tell(EventKind::broker_lost);
    REQUIRE(phase() == Phase::broker_down);
  }
};

}  // namespace

TEST_CASE("beside a broker that went alone, by its agent's word, only --force promotes") {
  Returned b;
  bool told = true, silent = false;
  SUBCASE("it says so") {
    b.peer.was_solo = true;
  }
  SUBCASE("it said so, and is silent by now") {
    b.peer.was_solo = true;
    b.pass(1000, true);
    b.pass(2000, false);
  }
  SUBCASE("it says that it did not") {
    told = false;
  }
  SUBCASE("it said so before this broker was in sync") {
    b.peer.was_solo = true;
    b.pass(1000, true);
    b.broker.in_sync = true;
    b.tell(EventKind::broker_status, b.broker);
    b.broker.in_sync = false;
    b.tell(EventKind::broker_lost);
    b.tell(EventKind::broker_up, b.broker);
    silent = true;
    told = false;
  }
  SUBCASE("in a reign before ours") {
    b.peer.was_solo = true;
    b.broker.epoch = make_epoch(6, 2);
    told = false;
  }
  b.pass(1000, !silent);
  b.promote(false);
  CHECK(b.was_ordered(Order::promote) != told);
  b.promote(true);
  CHECK(b.was_ordered(Order::promote));
}

// The operator has decided against what only A held. Its broker may stay away for ever.
TEST_CASE("who reigns after a node went alone may go alone itself, by that node's word") {
  Alone a;
  a.peer.phase = Phase::waiting;
  a.peer.role = Role::primary;
  a.peer.pair_state = PairState::waiting;
  a.peer.ask = {AskKind::solo, 7};
  SUBCASE("it reigns later") {
    a.peer.epoch = make_epoch(6, 2);
    a.pass(200, true);
    CHECK(a.machine->state().answer == Answer{a.peer.boot, 7});
    a.broker.role = Role::standby;
    a.broker.pair_state = PairState::waiting;
    a.tell(EventKind::broker_up, a.broker);
    CHECK(a.was_ordered(Order::lose_sync));
    a.pass(5000, false);
    CHECK_FALSE(a.was_ordered(Order::promote));
  }
  SUBCASE("it reigned before") {
    a.peer.epoch = make_epoch(4, 2);
    a.pass(200, true);
    CHECK(a.machine->state().answer != Answer{a.peer.boot, 7});
  }
}

TEST_CASE("a plain promote behind a standstill waits for what the peer has said meanwhile") {
  Following b;
  b.now += 5000;  // nothing was read for so long
  b.tell(EventKind::tick);
  b.tell(EventKind::operator_promote, OperatorOrder{1, false});
  CHECK_FALSE(b.was_ordered(Order::promote));
  SUBCASE("--force does not") {
    b.tell(EventKind::operator_promote, OperatorOrder{2, true});
    CHECK(b.was_ordered(Order::promote));
  }
}

}  // namespace tandemq::failover
