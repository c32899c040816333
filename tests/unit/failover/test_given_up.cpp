#include <doctest/doctest.h>

#include "one_agent.h"

using namespace tandemq;
using namespace tandemq::failover;

namespace {

// B follows A, whose agent asks whether A may go on alone; B's broker gives up being in sync.
struct GaveUp : Following {
  GaveUp() {
    broker.change = 7;
    pass(300, true);
    peer.phase = Phase::waiting;
    peer.pair_state = PairState::waiting;
    peer.ask = {AskKind::solo, 1};
    hear(now);
    CHECK(was_ordered(Order::lose_sync));
    CHECK(phase() == Phase::out_of_sync);
  }
  // The broker's answer, and what its status is from then on.
  void carried_out(std::uint64_t change = 8) {
    broker.in_sync = broker.was_in_sync = broker.peer_connected = false;
    broker.pair_state = PairState::waiting;
    broker.change = change;
    tell(EventKind::order_done, OrderDone{Order::lose_sync, true, false, 0, change, ""});
    tell(EventKind::broker_status, broker);
  }
  // A's broker dies without having gone on alone.
  void asker_released() {
    peer.phase = Phase::released;
    peer.released = true;
    peer.broker_alive = peer.in_sync = false;
    peer.ask = {};
    pass(300, true);
  }
};

}  // namespace

TEST_CASE("a primary that asked to go on alone dies before it could: who gave up for it serves") {
  GaveUp b;
  SUBCASE("it hears of the death when it has given up") {
    b.carried_out();
    b.pass(100, true);
    b.asker_released();
  }
  SUBCASE("its broker is slow, and gives up when the primary is dead already") {
    b.asker_released();
    CHECK_FALSE(b.was_ordered(Order::promote));
    b.carried_out();
    b.pass(300, true);
  }
  CHECK(b.was_ordered(Order::promote));
}

TEST_CASE("what was given up is not taken back") {
  GaveUp b;
  SUBCASE("when the peer's agent does not say that its broker never went on alone") {
    b.carried_out();
    b.peer.was_solo = true;
  }
  SUBCASE("by another life of the peer's agent, which does not know what the one before did") {
    b.carried_out();
    b.peer.boot = 23;
  }
  SUBCASE("when the broker was out of sync before the order came") {
    b.carried_out(9);
  }
  SUBCASE("of a broker that tells no episode") {
    b.carried_out(0);
  }
  SUBCASE("when the primary has taken the broker in anew since") {
    b.carried_out();
    b.broker.change = 9;
    b.tell(EventKind::broker_status, b.broker);
  }
  SUBCASE("by another process of the broker") {
    b.carried_out();
    b.tell(EventKind::broker_lost);
    b.tell(EventKind::broker_up, b.broker);
  }
  SUBCASE("when the peer's broker began another reign") {
    b.carried_out();
    b.peer.epoch = make_epoch(6, 1);
  }
  b.ordered.clear();
  b.asker_released();
  CHECK_FALSE(b.was_ordered(Order::promote));
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
