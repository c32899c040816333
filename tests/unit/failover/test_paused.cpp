// A virtual machine that its hypervisor pauses: its clock stands still, the peer's goes on.
#include <doctest/doctest.h>

#include "failover/core/guards.h"
#include "one_agent.h"

namespace tandemq::failover {
namespace {

// A standby in sync, whose primary goes on alone while it is paused.
struct Paused : Following {
  Paused() {
    anchor = now - 20;
    hear(anchor);
  }
  // The reports of so many milliseconds of the peer's time, in no time of ours.
  void read_what_waited(TimeMs ms) {
    for (TimeMs of_peer = 50; of_peer <= ms; of_peer += 50) {
      peer_ahead += 50;
      hear(anchor);
    }
  }
  void lose_link() {
    broker.peer_connected = false;
    broker.change = 4;
    broker.pair_state = PairState::waiting;
    tell(EventKind::broker_status, broker);
  }
  bool lease() const { return lease_valid(machine->state(), settings); }
  TimeMs anchor = 0;
};

}  // namespace

TEST_CASE("a lease is over when the peer's clock says so, whatever our own has counted") {
  Paused b;
  REQUIRE(b.phase() == Phase::standby);
  b.read_what_waited(1000);
  CHECK(b.lease());
  b.read_what_waited(150);
  CHECK_FALSE(b.lease());
  b.lose_link();
  b.pass(3000, false);
  CHECK_FALSE(b.was_ordered(Order::promote));
  CHECK(b.was_ordered(Order::lose_sync));
}

TEST_CASE("a standby that was paused briefly takes over still") {
  Paused b;
  b.read_what_waited(300);
  b.lose_link();
  b.pass(1000, false);
  CHECK(b.was_ordered(Order::promote));
}

TEST_CASE("a new echo begins a new lease by the peer's clock as well") {
  Paused b;
  b.read_what_waited(5000);
  b.hear(b.now);
  CHECK(b.lease());
  b.lose_link();
  b.pass(1000, false);
  CHECK(b.was_ordered(Order::promote));
}

TEST_CASE("what waited while the clock stood still is not the present") {
  Paused b;
  CHECK(hears_the_present(b.machine->state()));
  b.read_what_waited(500);
  CHECK_FALSE(hears_the_present(b.machine->state()));
  b.now += 20;
  b.hear(b.now - 10);
  CHECK(hears_the_present(b.machine->state()));
}

TEST_CASE("a pause is found once, also while the peer does not hear us") {
  Paused b;
  b.read_what_waited(500);
  const TimeMs awake_since = b.machine->state().facts.awake_since;
  REQUIRE(awake_since == b.now);
  for (int i = 0; i < 20; ++i) {
    b.now += 50;
    b.hear(b.anchor);
  }
  CHECK(b.machine->state().facts.awake_since == awake_since);
  CHECK(has_caught_up(b.machine->state(), b.settings));
  b.read_what_waited(500);  // it is paused again
  CHECK(b.machine->state().facts.awake_since == b.now);
}

TEST_CASE("clocks of different rates, late reports and a peer that starts anew are no pause") {
  Paused b;
  for (int i = 0; i < 200; ++i) {
    b.now += 50;
    b.peer_ahead += i % 2 == 0 ? 5 : 0;  // 5 %
    b.hear(b.now - (i % 7 == 0 ? 400 : 20));
    CHECK(b.lease());
    CHECK(hears_the_present(b.machine->state()));
  }
  b.peer.boot += 1;
  b.peer_ahead = 1000;
  b.hear(b.now);
  CHECK(b.lease());
  b.pass(2000, true);
  CHECK(hears_the_present(b.machine->state()));
}

TEST_CASE("an agent that tells no clock is judged by ours alone") {
  Paused b;
  b.now += 500;
  b.tell(EventKind::peer_report, PeerReport{b.peer, b.anchor, 0});
  CHECK(b.lease());
}

}  // namespace tandemq::failover
