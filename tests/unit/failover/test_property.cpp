// Two agents against two model brokers and a model of keepalived, with random faults from a fixed
// seed: nothing that was acknowledged is ever missing from the journal of who acknowledges later.
#include <doctest/doctest.h>

#include <cstdlib>
#include <iostream>

#include "tests/support/effort.h"
#include "world.h"

namespace tandemq::failover::model {
namespace {

struct Tally {
  int healed = 0, stuck = 0, forked = 0;
  std::uint64_t acked = 0;
};

void run_seed(std::uint64_t seed, bool manual, Tally& tally) {
  World world(seed, manual);
  world.slow_sync_max = 3000;
  world.start_all();
  world.run_until(5000);
  INFO("seed " << seed << " manual " << manual << "\n" << world.describe());
  REQUIRE(world.whole());
  for (int i = 0; i < 12 && world.violation.empty(); ++i) {
    const int together = world.pick(3) == 0 ? 3 : 1;
    for (int k = 0; k < together; ++k) {
      world.random_fault();
      world.run_until(world.now + world.pick(400));
    }
    world.run_until(world.now + 1000 + world.pick(6000));
  }
  world.run_until(world.now + 15000);
  world.heal();
  world.run_until(world.now + 20000);
  tally.acked += world.acked_count();
  INFO(world.describe());
  if (world.admitted && !world.violation.empty()) {
    CHECK_FALSE(manual);
    ++tally.forked;
    return;
  }
  REQUIRE(world.violation == "");
  ++(world.whole() ? tally.healed : tally.stuck);
  CHECK(world.whole());
}

std::uint64_t seeds() {
  const char* wanted = std::getenv("TANDEMQ_SEEDS");
  return wanted ? std::strtoull(wanted, nullptr, 10) : 150 / test::kThinned;
}

}  // namespace

TEST_CASE("authority manual: nothing acknowledged is ever missing") {
  Tally tally;
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) run_seed(seed, true, tally);
  CHECK(tally.acked > 1000 * seeds());
  MESSAGE("healed " << tally.healed << ", stuck " << tally.stuck << ", forked " << tally.forked
                    << ", acknowledged " << tally.acked);
}

TEST_CASE("authority timeout: nothing is missing but where a living primary was taken for dead") {
  Tally tally;
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) run_seed(seed, false, tally);
  CHECK(tally.acked > 1000 * seeds());
  MESSAGE("healed " << tally.healed << ", stuck " << tally.stuck << ", forked " << tally.forked
                    << ", acknowledged " << tally.acked);
}

}  // namespace tandemq::failover::model
