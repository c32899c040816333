// What the machine does when two histories part and when a node's state is gone.
#include <doctest/doctest.h>

#include "machine_case.h"

using namespace tandemq;
using namespace tandemq::repl;

TEST_CASE("records acknowledged alone go to quarantine when another history wins") {
  World w;
  w.pair_up();
  w.cut();
  w.order(w.a, event::GoSolo{"a split that nobody prevented"});
  w.append(w.a, 4);
  w.finish_sync(w.a);
  REQUIRE(w.a.replica->committed() == w.a.last());
  w.forced = true;
  w.order(w.b, event::Promote{});
  w.settle();
  CHECK(w.a.status().role == Role::standby);
  CHECK(w.b.status().pair_state == PairState::paired);
  CHECK(w.a.quarantined.size() == 5);  // went_solo and four
  CHECK(w.a.state == w.b.state);
}

TEST_CASE("a node that lost what was not synced is not called in sync while its peer has it") {
  World w;
  w.pair_up();
  w.append(w.a, 5);
  while (w.deliver(w.b) || w.deliver(w.a)) {
  }
  REQUIRE(w.a.replica->committed() == w.a.last());
  w.kill(w.b);
  w.lose_power(w.a);
  w.start(w.a);
  w.start(w.b);
  w.settle();
  CHECK_FALSE(w.a.status().in_sync);
  CHECK(w.b.status().in_sync);
  CHECK(w.order(w.a, event::Promote{}) != "");
  CHECK(w.order(w.b, event::Promote{}).empty());
  w.settle();
  CHECK(w.b.status().pair_state == PairState::paired);
}

TEST_CASE("a state that cannot be rebuilt comes back by snapshot") {
  World w;
  w.leave_only_a_snapshot();
  w.settle();
  CHECK(position(w.a, "Send NeedSnapshot", 0) >= 0);
  CHECK(position(w.a, "InstallSnapshot", 0) >= 0);
  CHECK_FALSE(w.a.meta.needs_snapshot);
  CHECK(w.b.status().pair_state == PairState::paired);
  CHECK(w.a.state == w.b.state);
}

TEST_CASE("a node whose state is unusable may not reign, not even by force") {
  World w;
  w.pair_up();
  w.kill(w.b);
  w.b.meta.needs_snapshot = true;
  w.start(w.b);
  CHECK(w.order(w.b, event::Promote{0, true}).find("unusable") != std::string::npos);
  w.settle();
  CHECK(w.a.status().pair_state == PairState::paired);
}

TEST_CASE("a node that went alone and lost its data still says that it went alone") {
  for (const bool journal_left : {false, true}) {
    World w;
    w.pair_up();
    w.network = false;
    w.cut();
    w.kill(w.b);
    CHECK(w.order(w.a, event::GoSolo{"operator"}) == "");
    w.append(w.a, 10);
    w.settle();
    w.kill(w.a);
    if (journal_left) {
      w.a.meta.needs_snapshot = true;  // as recovery says of a checkpoint that is damaged
      w.a.meta.in_sync = false;
    } else {
      w.damage(w.a);
    }
    w.network = true;
    w.start(w.a);
    w.start(w.b);
    w.settle();
    CHECK_FALSE(w.b.status().in_sync);
    CHECK(w.order(w.b, event::Promote{}).find("out of sync") != std::string::npos);
    CHECK(w.order(w.a, event::Promote{}).find("unusable") != std::string::npos);
  }
}

TEST_CASE("a peer that comes with an empty disk vouches for nothing") {
  World w;
  w.pair_up();
  w.append(w.a, 3);
  w.settle();
  w.lose_power(w.b);
  w.network = false;
  w.cut();
  SUBCASE("it went on alone before, and what it acknowledged then is nowhere") {
    CHECK(w.order(w.a, event::GoSolo{"timeout"}) == "");
    w.append(w.a, 4);
    w.finish_sync(w.a);
    REQUIRE(w.a.replica->committed() == w.a.last());
  }
  SUBCASE("it did not: nobody can know") {}
  w.kill(w.a);
  w.replace_disk(w.a);
  w.network = true;
  for (int starts = 0; starts < 2; ++starts) {
    w.kill(w.a);
    w.start(w.a);
    w.kill(w.b);
    w.start(w.b);
    w.settle();
    CHECK_FALSE(w.b.status().in_sync);
    CHECK(w.b.status().was_in_sync);
    CHECK(w.order(w.b, event::Promote{}).find("wait for the peer") != std::string::npos);
    CHECK(w.order(w.a, event::Promote{}).find("out of sync") != std::string::npos);
  }
  CHECK(w.order(w.b, event::Promote{0, true}) == "");
  w.settle();
  CHECK(w.b.status().pair_state == PairState::paired);
}

TEST_CASE("an empty disk beside a node that holds everything: the pair is whole again by itself") {
  World w;
  w.pair_up();
  w.append(w.a, 3);
  w.settle();
  w.kill(w.b);
  w.settle();
  w.replace_disk(w.b);
  SUBCASE("it serves") {}
  SUBCASE("it went on alone, and has started anew") {
    CHECK(w.order(w.a, event::GoSolo{"timeout"}) == "");
    w.append(w.a, 2);
    w.settle();
    w.kill(w.a);
    w.start(w.a);
  }
  SUBCASE("it has stepped down meanwhile") {
    w.order(w.a, event::Demote{"test"});
  }
  w.start(w.b);
  w.settle();
  CHECK(w.order(w.a, event::Promote{}) == "");
  w.settle();
  CHECK(w.a.status().pair_state == PairState::paired);
  CHECK(w.a.state == w.b.state);
}

TEST_CASE("both went alone, and the data of the later one are damaged: the earlier claim is void") {
  World w;
  w.pair_up();
  w.network = false;
  w.cut();
  CHECK(w.order(w.b, event::LoseSync{"asked"}) == "");
  CHECK(w.order(w.a, event::GoSolo{"agreed"}) == "");
  w.append(w.a, 4);
  w.settle();
  w.kill(w.a);
  CHECK(w.order(w.b, event::Promote{0, true}) == "");
  CHECK(w.order(w.b, event::GoSolo{"operator"}) == "");
  w.append(w.b, 50);
  w.settle();
  REQUIRE(w.b.replica->committed() == w.b.last());
  const Epoch later = w.b.status().epoch;
  w.kill(w.b);
  w.damage(w.b);
  w.network = true;
  w.start(w.a);
  CHECK(w.a.status().in_sync);
  w.start(w.b);
  w.settle();
  CHECK(w.b.status().lost_alone);
  CHECK(w.b.status().epoch == later);  // the agents compare by it
  CHECK_FALSE(w.a.status().in_sync);
  CHECK_FALSE(w.a.status().was_solo);
  CHECK(w.a.status().reason.find("--force") != std::string::npos);
  CHECK(w.order(w.a, event::Promote{}).find("out of sync") != std::string::npos);
  CHECK(w.order(w.a, event::Promote{0, true}) == "");
  w.settle();
  CHECK(w.a.status().pair_state == PairState::paired);
}

TEST_CASE("both went alone, and the data of the earlier one are damaged: the later one serves") {
  World w;
  w.pair_up();
  w.network = false;
  w.cut();
  CHECK(w.order(w.b, event::LoseSync{"asked"}) == "");
  CHECK(w.order(w.a, event::GoSolo{"agreed"}) == "");
  w.append(w.a, 4);
  w.settle();
  w.kill(w.a);
  w.damage(w.a);
  CHECK(w.order(w.b, event::Promote{0, true}) == "");
  CHECK(w.order(w.b, event::GoSolo{"operator"}) == "");
  w.append(w.b, 50);
  w.settle();
  w.kill(w.b);
  w.network = true;
  w.start(w.a);
  w.start(w.b);
  w.settle();
  CHECK(w.order(w.b, event::Promote{}) == "");
  w.settle();
  CHECK(w.b.status().pair_state == PairState::paired);
}
