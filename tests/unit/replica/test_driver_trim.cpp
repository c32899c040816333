// What may go from a journal, and what becomes of records that lost to another history.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "driver_pair.h"

using namespace tandemq;
using namespace tandemq::repl;

namespace {

constexpr std::size_t kLarge = 10'000;  // bytes of a record; a hundred of them fill a segment

void write_large(DriverPair& pair, DriverNode& node, int count) {
  for (int i = 0; i < count; ++i) {
    node.append(std::string(kLarge, 'x') + std::to_string(i));
    node.replicator->end_of_turn();
  }
  REQUIRE(pair.run_until([&] { return all_committed(node); }));
}

void checkpoint(DriverNode& node) {
  node.host.checkpoint();
  node.replicator->checkpointed(node.host.last());
}

// One went on alone with `records` large ones and died; the other was forced to begin without them.
void split(DriverPair& pair, int records) {
  pair.pair_up();
  pair.write(pair.a, 0, 20);
  REQUIRE(pair.run_until([&] { return all_committed(pair.a); }));
  pair.kill(pair.b);
  REQUIRE(pair.run_until([&] { return pair.a.status().pair_state == PairState::waiting; }));
  REQUIRE(pair.a.replicator->go_solo("test"));
  write_large(pair, pair.a, records);
  checkpoint(pair.a);
  pair.kill(pair.a);
  pair.start(pair.b);
  REQUIRE(pair.b.replicator->promote(0, true));
  REQUIRE(pair.b.replicator->go_solo("test"));
  pair.write(pair.b, 200, 210);
}

// Records in quarantine files of a node.
std::size_t kept_aside(const DriverPair& pair) {
  const std::string file = only_file(pair.folder / "a/quarantine");
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  const std::string frames = text.str();
  std::size_t records = 0;
  FrameView frame;
  for (std::string_view rest = frames; read_frame(rest, frame) == FrameRead::frame; ++records) {
    rest.remove_prefix(frame.bytes.size());
  }
  return records;
}

}  // namespace

TEST_CASE("a journal that is too large loses its oldest records only as far as it must") {
  DriverPair pair([](ReplicatorConfig& config) { config.journal_bytes_max = 4 << 20; });
  pair.pair_up();
  pair.kill(pair.b);
  REQUIRE(pair.run_until([&] { return pair.a.status().pair_state == PairState::waiting; }));
  REQUIRE(pair.a.replicator->go_solo("test"));
  write_large(pair, pair.a, 1000);
  checkpoint(pair.a);
  const JournalFigures figures = pair.a.replicator->journal_figures();
  CHECK(figures.first > 1);
  CHECK(figures.bytes <= 4 << 20);
  CHECK(figures.bytes > 2 << 20);
}

TEST_CASE("a long tail that lost to another history is kept whole") {
  DriverPair pair;
  split(pair, 1000);
  pair.start(pair.a);
  REQUIRE(pair.run_until([&] { return pair.paired(pair.b, pair.a); }));
  CHECK(kept_aside(pair) == 1001);  // went_solo as well
  CHECK(pair.a.replicator->quarantine_figures().records == 1001);
  CHECK(pair.a.replicator->quarantine_figures().lost == 0);
  CHECK_FALSE(pair.a.logged("acknowledged_lost"));
}

TEST_CASE("records acknowledged alone that the journal holds no more are told as lost") {
  DriverPair pair([](ReplicatorConfig& config) { config.journal_bytes_max = 4 << 20; });
  split(pair, 1000);
  pair.start(pair.a);
  REQUIRE(pair.run_until([&] { return pair.paired(pair.b, pair.a); }));
  const QuarantineFigures figures = pair.a.replicator->quarantine_figures();
  CHECK(figures.lost > 0);
  CHECK(figures.records > 200);
  CHECK(figures.records == kept_aside(pair));
  CHECK(figures.records + figures.lost == 1001);
  CHECK(pair.a.logged("error acknowledged_lost " + std::to_string(figures.lost) + " records"));
}

TEST_CASE("behind a snapshot below the old checkpoint nothing goes that the new one needs") {
  DriverPair pair;
  split(pair, 1000);
  pair.start(pair.a);  // its checkpoint lies beyond the cut
  REQUIRE(pair.run_until([&] { return pair.paired(pair.b, pair.a); }));
  REQUIRE(pair.a.host.snapshots_installed == 1);
  const Lsn base = pair.a.host.checkpoint_lsn;
  write_large(pair, pair.b, 500);
  REQUIRE(pair.run_until([&] { return pair.a.host.last() == pair.b.status().last; }));
  pair.a.replicator->checkpointed(base);  // nothing was folded since
  CHECK(pair.a.replicator->journal_figures().first == base + 1);
}
