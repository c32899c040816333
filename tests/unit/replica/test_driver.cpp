#include <doctest/doctest.h>

#include "driver_pair.h"

using namespace tandemq;
using namespace tandemq::repl;

TEST_CASE("a single node promotes itself, commits what is synced, and recovers it") {
  DriverPair pair([](ReplicatorConfig& config) { config.single = true; });
  pair.start(pair.a);
  CHECK(pair.a.status().role == Role::primary);
  CHECK(pair.a.status().pair_state == PairState::solo);
  for (int i = 0; i < 100; ++i) pair.a.append("r" + std::to_string(i));
  pair.a.replicator->end_of_turn();
  const Lsn last = pair.a.status().last;
  REQUIRE(pair.run_until([&] { return pair.a.host.committed_lsn == last; }));
  CHECK(pair.a.replicator->journal_figures().synced >= last);
  const auto before = pair.a.host.texts();
  const Epoch epoch = pair.a.status().epoch;

  pair.kill(pair.a);
  pair.start(pair.a);
  CHECK(pair.a.host.texts() == before);
  CHECK(pair.a.status().epoch > epoch);
}

TEST_CASE("a pair streams, and commits only what the standby has") {
  DriverPair pair;
  pair.pair_up();
  for (int i = 0; i < 1000; ++i) {
    pair.a.append("record " + std::to_string(i));
    if (i % 10 == 9) pair.a.replicator->end_of_turn();
  }
  const Lsn last = pair.a.status().last;
  REQUIRE(pair.run_until([&] { return pair.a.host.committed_lsn == last; }));
  REQUIRE(pair.run_until([&] { return pair.b.host.last() == last; }));
  CHECK(pair.a.host.state_hash() == pair.b.host.state_hash());
  REQUIRE(pair.run_until([&] { return pair.b.host.learnt_time == 1000; }));

  pair.kill(pair.b);
  REQUIRE(pair.run_until([&] { return pair.a.status().pair_state == PairState::waiting; }));
  pair.a.append("unconfirmed");
  pair.a.replicator->end_of_turn();
  pair.run_for(50);
  CHECK(pair.a.host.committed_lsn == last);
}
