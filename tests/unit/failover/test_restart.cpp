// What an agent that restarts must not forget: the peer's later reign, what it owes, and what its
// broker was when it died meanwhile.
#include <doctest/doctest.h>

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

// A reigns over a whole pair.
struct Reigning : OneAgent {
  Reigning() : OneAgent(1) {
    tell(EventKind::vrrp, Vrrp::master);
    tell(EventKind::address, true);
    broker.role = Role::primary;
    broker.pair_state = peer.pair_state = PairState::paired;
    broker.epoch = peer.epoch = make_epoch(5, 1);
    broker.last_lsn = peer.last_lsn = 100;
    broker.in_sync = broker.was_in_sync = broker.peer_connected = true;
    peer.in_sync = peer.was_in_sync = true;
    peer.phase = Phase::standby;
    tell(EventKind::broker_up, broker);
    pass(3000, true);
  }
  bool released() const { return report_of(machine->state(), settings).released; }
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

TEST_CASE("a restarted agent remembers that it owes the peer an order to lose sync") {
  OneAgent a(1);
  a.broker.epoch = a.peer.epoch = make_epoch(5, 2);
  a.broker.last_lsn = a.peer.last_lsn = 100;
  a.broker.was_in_sync = true;
  a.peer.phase = Phase::waiting;
  a.peer.role = Role::primary;
  a.tell(EventKind::broker_up, a.broker);
  a.tell(EventKind::broker_lost);
  a.hear(a.now - 20);
  a.peer.ask = {AskKind::solo, 7};
  a.hear(a.now - 20);
  REQUIRE(a.machine->state().answer == Answer{a.peer.boot, 7});
  a.restart();
  a.tell(EventKind::broker_up, a.broker);
  CHECK_FALSE(report_of(a.machine->state(), a.settings).was_in_sync);
  CHECK(a.was_ordered(Order::lose_sync));
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
