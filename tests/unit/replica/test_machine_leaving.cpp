// Handing over and leaving in good order, and the two at once.
#include "machine_case.h"

namespace tandemq::repl {

TEST_CASE("a switchover gives up first, durably, and hands over without loss or resync") {
  World w;
  w.pair_up();
  w.append(w.a, 10);
  const std::size_t from = w.a.actions.size();
  CHECK(w.order(w.a, event::Switchover{}).empty());
  w.settle();
  CHECK(w.a.switchover_done);
  CHECK(w.a.switchover_ok);
  CHECK(position(w.a, "PersistMeta", from) < position(w.a, "Send SwitchoverOffer", from));
  CHECK(w.b.status().role == Role::primary);
  CHECK(w.b.status().pair_state == PairState::paired);
  CHECK(w.a.status().in_sync);
  CHECK(position(w.a, "CutJournal", from) < 0);
  CHECK(w.a.state == w.b.state);
  CHECK(w.order(w.a, event::Switchover{}).find("standby") != std::string::npos);
}

TEST_CASE("a switchover that the standby does not drain in time is given up") {
  World w;
  w.pair_up();
  w.append(w.a);
  CHECK(w.order(w.a, event::Switchover{}).empty());
  w.cut();
  CHECK(w.a.switchover_done);
  CHECK_FALSE(w.a.switchover_ok);
  CHECK(w.a.status().role == Role::primary);
}

TEST_CASE("leaving in good order: durably out of sync, then Goodbye; the primary goes on alone") {
  World w;
  w.pair_up();
  const std::size_t from = w.b.actions.size();
  w.order(w.b, event::Leave{"upgrade"});
  CHECK_FALSE(w.b.meta.in_sync);
  CHECK(position(w.b, "PersistMeta", from) < position(w.b, "Send Goodbye", from));
  w.kill(w.b);
  w.settle();
  CHECK(w.a.status().pair_state == PairState::solo);
  CHECK(w.a.status().reason.find("good order") != std::string::npos);
  // The last one to leave keeps its claim.
  w.order(w.a, event::Leave{"upgrade"});
  CHECK(w.a.meta.in_sync);
}

TEST_CASE("who handed over because it ends does not take the reign back: it leaves") {
  World w;
  w.pair_up();
  CHECK(w.order(w.a, event::Switchover{}).empty());
  CHECK(w.order(w.a, event::Ending{}).empty());
  w.settle();
  REQUIRE(w.b.status().pair_state == PairState::paired);
  CHECK(w.order(w.b, event::Switchover{}).empty());
  w.settle();
  CHECK(w.b.switchover_done);
  CHECK_FALSE(w.b.switchover_ok);
  CHECK(w.a.status().role == Role::standby);
  CHECK_FALSE(w.a.meta.in_sync);
  CHECK(w.b.status().was_solo);
}

TEST_CASE("a standby that leaves as the reign is offered to it: who offered holds all, alone") {
  for (const bool power : {false, true}) {
    CAPTURE(power);
    World w;
    w.pair_up();
    w.append(w.a, 10);
    w.settle();
    if (power) {
      w.append(w.a, 1);  // on no disk yet
      while (w.deliver(w.b) || w.deliver(w.a)) {
      }
    }
    CHECK(w.order(w.a, event::Switchover{}).empty());
    w.tick();
    REQUIRE(w.a.status().role == Role::standby);
    w.order(w.b, event::Leave{"stopped"});
    w.deliver(w.a);
    w.kill(w.b);
    while (w.deliver(w.a)) {
    }
    CHECK(w.a.switchover_done);
    CHECK_FALSE(w.a.switchover_ok);
    CHECK_FALSE(w.b.meta.in_sync);
    CHECK(w.a.status().was_solo);
    power ? w.lose_power(w.a) : w.kill(w.a);
    w.start(w.a);
    // Of one that lost its tail nobody knows whether it holds everything.
    CHECK(w.order(w.a, event::Promote{}).empty() == !power);
  }
}

}  // namespace tandemq::repl
