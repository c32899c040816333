#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "driver_pair.h"

using namespace tandemq;
using namespace tandemq::repl;

TEST_CASE("a standby killed and back catches up from the journal and is paired again") {
  DriverPair pair;
  pair.pair_up();
  pair.write(pair.a, 0, 100);
  pair.kill(pair.b);
  REQUIRE(pair.run_until([&] { return pair.a.status().pair_state == PairState::waiting; }));
  pair.write(pair.a, 100, 200);
  pair.start(pair.b);
  REQUIRE(pair.run_until([&] { return pair.paired(pair.a, pair.b); }));
  REQUIRE(pair.run_until([&] { return all_committed(pair.a); }));
  REQUIRE(pair.run_until([&] { return pair.b.host.texts() == pair.a.host.texts(); }));
  CHECK(pair.a.host.texts().size() == 200);
  CHECK(pair.a.host.snapshots_made == 0);
}

TEST_CASE("a primary goes alone only by order, serves, and takes the standby back") {
  DriverPair pair;
  pair.pair_up();
  CHECK_FALSE(pair.a.replicator->go_solo("too early"));
  pair.kill(pair.b);
  REQUIRE(pair.run_until([&] { return pair.a.status().pair_state == PairState::waiting; }));
  pair.write(pair.a, 0, 50);
  pair.run_for(30);
  CHECK_FALSE(all_committed(pair.a));
  REQUIRE(pair.a.replicator->go_solo("test"));
  CHECK(pair.a.status().pair_state == PairState::solo);
  REQUIRE(pair.run_until([&] { return all_committed(pair.a); }));

  pair.start(pair.b);
  CHECK_FALSE(pair.b.status().in_sync);
  REQUIRE(pair.run_until([&] { return pair.paired(pair.a, pair.b); }));
  CHECK(pair.b.host.texts() == pair.a.host.texts());
}

TEST_CASE("the standby takes over with everything; the old primary returns and drops its tail") {
  DriverPair pair;
  pair.pair_up();
  pair.write(pair.a, 0, 100);
  REQUIRE(pair.run_until([&] { return all_committed(pair.a); }));
  const auto acknowledged = pair.a.host.texts();
  REQUIRE(pair.run_until([&] { return pair.b.host.texts() == acknowledged; }));
  // The link breaks, the primary does not know it yet and goes on writing.
  pair.kill(pair.b);
  pair.write(pair.a, 100, 110);
  pair.kill(pair.a);
  pair.start(pair.b);
  CHECK_FALSE(pair.b.replicator->promote(0, false));  // its peer may have gone on alone
  REQUIRE(pair.b.replicator->promote(0, true));
  CHECK(pair.b.status().role == Role::primary);
  CHECK(pair.b.host.texts() == acknowledged);
  REQUIRE(pair.b.replicator->go_solo("test"));
  pair.write(pair.b, 500, 520);

  pair.start(pair.a);
  REQUIRE(pair.run_until([&] { return pair.paired(pair.b, pair.a); }));
  CHECK(pair.a.host.texts() == pair.b.host.texts());
  CHECK(pair.a.host.texts().size() == 120);
  CHECK(only_file(pair.folder / "a/quarantine").empty());  // nobody was told of the tail
}

TEST_CASE("what a primary acknowledged alone and lost to another history is kept in quarantine") {
  DriverPair pair;
  pair.pair_up();
  pair.write(pair.a, 0, 20);
  REQUIRE(pair.run_until([&] { return all_committed(pair.a); }));
  pair.kill(pair.b);
  REQUIRE(pair.run_until([&] { return pair.a.status().pair_state == PairState::waiting; }));
  REQUIRE(pair.a.replicator->go_solo("test"));
  pair.write(pair.a, 100, 120);
  REQUIRE(pair.run_until([&] { return all_committed(pair.a); }));
  pair.kill(pair.a);
  pair.start(pair.b);
  REQUIRE(pair.b.replicator->promote(0, true));
  REQUIRE(pair.b.replicator->go_solo("test"));
  pair.write(pair.b, 200, 210);
  pair.start(pair.a);
  REQUIRE(pair.run_until([&] { return pair.paired(pair.b, pair.a); }));
  CHECK(pair.a.host.texts() == pair.b.host.texts());
  const std::string kept = only_file(pair.folder / "a/quarantine");
  REQUIRE_FALSE(kept.empty());
  std::ifstream in(kept, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  std::vector<std::string> bodies;
  const std::string frames = text.str();
  FrameView frame;
  for (std::string_view rest = frames; read_frame(rest, frame) == FrameRead::frame;) {
    if (frame.kind >= kFirstUserKind) bodies.emplace_back(frame.body);
    rest.remove_prefix(frame.bytes.size());
  }
  CHECK(bodies.size() == 20);
  CHECK(bodies.front() == "r100");
  CHECK(bodies.back() == "r119");
}

TEST_CASE("a living old primary that learns of a higher epoch steps down at once") {
  DriverPair pair;
  pair.pair_up();
  pair.write(pair.a, 0, 10);
  REQUIRE(pair.run_until([&] { return all_committed(pair.a) && pair.b.status().in_sync; }));
  REQUIRE(pair.b.replicator->promote(0, false));
  const Lsn committed = pair.a.host.committed_lsn;
  pair.a.append("nobody confirms this");
  pair.a.replicator->end_of_turn();
  REQUIRE(pair.run_until([&] { return pair.paired(pair.b, pair.a); }));
  CHECK(pair.a.host.committed_lsn == committed);
  CHECK(pair.a.host.texts() == pair.b.host.texts());
  CHECK(pair.a.status().epoch == pair.b.status().epoch);
}

TEST_CASE("a standby too far behind gets a snapshot") {
  DriverPair pair;
  pair.pair_up();
  pair.kill(pair.b);
  REQUIRE(pair.run_until([&] { return pair.a.status().pair_state == PairState::waiting; }));
  REQUIRE(pair.a.replicator->go_solo("test"));
  for (int i = 0; i < 400; ++i) {
    pair.a.append(std::string(10000, 'x') + std::to_string(i));
    pair.a.replicator->end_of_turn();
  }
  REQUIRE(pair.run_until([&] { return all_committed(pair.a); }));
  pair.a.host.checkpoint();
  // The peer is away: its records stay until the journal has become too large for them.
  pair.a.replicator->checkpointed(pair.a.host.last());
  CHECK(pair.a.replicator->journal_figures().first == 1);
  pair.a.host.snapshot_padding = 5 << 20;
  SUBCASE("because the journal does not reach back") {
    std::filesystem::remove_all(pair.folder / "b");
    pair.b.host.checkpoint_image.clear();
    pair.kill(pair.a);
    pair.a.config.journal_bytes_max = 1;
    pair.start(pair.a);
    REQUIRE(pair.a.replicator->promote(0, false));
    pair.a.replicator->checkpointed(pair.a.host.last());
    CHECK(pair.a.replicator->journal_figures().first > 1);
  }
  SUBCASE("because its journal is damaged") {
    for (const auto& entry : std::filesystem::directory_iterator(pair.folder / "b/journal")) {
      if (entry.path().extension() == ".lock" || std::filesystem::file_size(entry) < 200) continue;
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(70);
      file.write("damaged!", 8);
    }
  }
  pair.start(pair.b);
  REQUIRE(pair.run_until([&] { return pair.paired(pair.a, pair.b); }, 10000));
  CHECK(pair.b.host.texts() == pair.a.host.texts());
  pair.write(pair.a, 0, 10);
  REQUIRE(pair.run_until([&] { return all_committed(pair.a); }));
  CHECK(pair.a.host.snapshots_made == pair.b.host.snapshots_installed);
  CHECK(pair.a.host.snapshots_released == pair.a.host.snapshots_made);
  CHECK_FALSE(std::filesystem::exists(pair.folder / "b/snapshot.tmp"));
  // And it survives a restart of its own.
  pair.kill(pair.b);
  pair.start(pair.b);
  REQUIRE(pair.run_until([&] { return pair.paired(pair.a, pair.b); }));
  CHECK(pair.b.host.texts() == pair.a.host.texts());
}

TEST_CASE("a switchover hands over without a resync and loses nothing") {
  DriverPair pair;
  pair.pair_up();
  pair.write(pair.a, 0, 100);
  bool done = false;
  pair.a.replicator->switchover([&](const Status& result) {
    INFO((result ? "" : result.error().message));
    CHECK(static_cast<bool>(result));
    done = true;
  });
  REQUIRE(pair.run_until([&] { return done; }));
  CHECK(pair.b.status().role == Role::primary);
  REQUIRE(pair.run_until([&] { return pair.paired(pair.b, pair.a); }));
  CHECK(pair.b.host.texts() == pair.a.host.texts());
  CHECK(pair.a.host.texts().size() == 100);
  for (const ReplicaStatus& status : pair.b.host.statuses) {
    CHECK(status.pair_state != PairState::solo);
  }
}

TEST_CASE("a standby that leaves in good order lets the primary go on at once") {
  DriverPair pair;
  pair.pair_up();
  bool done = false;
  pair.b.replicator->leave([&] { done = true; });
  REQUIRE(pair.run_until([&] { return done; }));
  pair.kill(pair.b);
  REQUIRE(pair.run_until([&] { return pair.a.status().pair_state == PairState::solo; }));
  pair.write(pair.a, 0, 10);
  REQUIRE(pair.run_until([&] { return all_committed(pair.a); }));
  pair.start(pair.b);
  CHECK_FALSE(pair.b.status().was_in_sync);
  REQUIRE(pair.run_until([&] { return pair.paired(pair.a, pair.b); }));
}

TEST_CASE("a lone node serves again after a restart, one that was paired waits") {
  DriverPair pair;
  pair.pair_up();
  pair.kill(pair.b);
  pair.kill(pair.a);
  pair.start(pair.a);
  const auto refused = pair.a.replicator->promote(0, false);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("peer may have gone on") != std::string::npos);
  CHECK(pair.a.status().was_in_sync);
  // The peer returns, neither went on: both may reign.
  pair.start(pair.b);
  REQUIRE(pair.run_until([&] { return pair.a.status().in_sync && pair.b.status().in_sync; }));
  REQUIRE(pair.b.replicator->promote(0, false));
  REQUIRE(pair.run_until([&] { return pair.paired(pair.b, pair.a); }));

  pair.kill(pair.a);
  REQUIRE(pair.run_until([&] { return pair.b.status().pair_state == PairState::waiting; }));
  REQUIRE(pair.b.replicator->go_solo("test"));
  pair.write(pair.b, 0, 5);
  REQUIRE(pair.run_until([&] { return all_committed(pair.b); }));
  pair.kill(pair.b);
  pair.start(pair.b);
  CHECK(pair.b.status().was_solo);
  REQUIRE(pair.b.replicator->promote(0, false));
  CHECK(pair.b.status().pair_state == PairState::solo);
}
