// The fold and State::apply mean the same: whatever the records, a state loaded from the
// checkpoint equals the one that applied everything, at the end of every window, and both go on
// equally from there.
#include <doctest/doctest.h>

#include "tests/support/effort.h"
#include "tests/unit/checkpoint/random_records.h"
#include "tests/unit/core/monkey.h"

namespace tandemq::broker::test {
namespace {

void require_equal(const core::State& state, const core::State& expected) {
  if (state.hash() != expected.hash()) REQUIRE(rows_of(state) == rows_of(expected));
  REQUIRE(state.hash() == expected.hash());
}

void run_seed(std::uint64_t seed, Lsn records) {
  CAPTURE(seed);
  std::mt19937_64 random(seed ^ 0x9e3779b97f4a7c15u);
  TempDir dir;
  CheckpointConfig config = config_in(dir);
  config.slice_bytes = 1 + random() % 2000;
  config.window_bytes = 1 + random() % 6000;
  if (random() % 2) config.memory_bytes = 1 + random() % 10000;
  REQUIRE(checkpoint_prepare(config));
  MemoryJournal journal;
  core::State whole;
  RandomRecords source(seed, whole, journal);
  Folder folder(config, journal);
  auto resumed = std::make_unique<core::State>();  // loaded once, goes on by records
  Lsn resumed_at = 0;
  while (journal.last() < records) {
    for (std::uint64_t n = 1 + random() % 60; n > 0; --n) source.step();
    const auto folded = folder.fold(journal.last());
    REQUIRE_MESSAGE(static_cast<bool>(folded), folded.error().message);
    REQUIRE(*folded == journal.last());
    require_equal(*loaded(config), whole);
    journal.replay(*resumed, resumed_at + 1, journal.last());
    require_equal(*resumed, whole);
    resumed_at = journal.last();
    if (random() % 4 == 0) {
      resumed = std::make_unique<core::State>();
      REQUIRE(checkpoint_load(config, *resumed, {}));
    }
  }
}

}  // namespace

TEST_CASE("a state from the checkpoint equals one from all records") {
  for (std::uint64_t seed = 1; seed <= 40 / tandemq::test::kThinned; ++seed) run_seed(seed, 1500);
}

TEST_CASE("the same for the records that an engine writes") {
  for (std::uint64_t seed = 1; seed <= 30 / tandemq::test::kThinned; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed + 1000);
    TempDir dir;
    CheckpointConfig config = config_in(dir);
    config.window_bytes = 1 + random() % 4000;
    REQUIRE(checkpoint_prepare(config));
    MemoryJournal journal;
    Folder folder(config, journal);
    core::test::Monkey monkey(seed);
    monkey.rig.check_mirror = false;
    for (int window = 0; window < 30; ++window) {
      for (std::uint64_t n = 1 + random() % 60; n > 0; --n) monkey.step();
      const auto& records = monkey.rig.log.records;
      for (std::size_t at = journal.last(); at < records.size(); ++at) {
        journal.append_encoded(records[at].kind, records[at].body);
      }
      REQUIRE(folder.fold(journal.last()));
      require_equal(*loaded(config), *monkey.rig.state);
    }
  }
}

}  // namespace tandemq::broker::test
