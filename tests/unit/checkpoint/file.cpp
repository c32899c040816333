// The file: made, refused, damaged, copied, replaced.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "broker/checkpoint/sql.h"
#include "tests/support/effort.h"
#include "tests/unit/checkpoint/random_records.h"

namespace tandemq::broker::test {
namespace {

namespace fs = std::filesystem;

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put_content(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// A checkpoint with a bit of everything, and the state that it holds.
struct Filled {
  TempDir dir;
  CheckpointConfig config = config_in(dir);
  MemoryJournal journal;
  core::State state;
  explicit Filled(std::uint64_t seed = 7, int records = 600) {
    REQUIRE(checkpoint_prepare(config));
    RandomRecords source(seed, state, journal);
    for (int i = 0; i < records; ++i) source.step();
    Folder folder(config, journal);
    REQUIRE(folder.fold(journal.last()));
  }
};

}  // namespace

TEST_CASE("a new checkpoint is empty and an old one is kept") {
  TempDir dir;
  const auto made = checkpoint_prepare(config_in(dir));
  REQUIRE(made);
  CHECK(made->meta.lsn == 0);
  CHECK(made->meta.next_session == 1);
  CHECK(loaded(config_in(dir))->hash() == core::State().hash());
  Filled filled;
  const auto again = checkpoint_prepare(filled.config);
  REQUIRE(again);
  CHECK(again->meta.lsn == filled.journal.last());
  CHECK(again->rows.total() > 0);
  CHECK(loaded(filled.config)->hash() == filled.state.hash());
}

TEST_CASE("a checkpoint of another pair or program is refused") {
  Filled filled;
  CheckpointConfig other = filled.config;
  other.pair_id = "plant-2";
  core::State state;
  for (const auto& result : {checkpoint_prepare(other), checkpoint_load(other, state, {})}) {
    REQUIRE_FALSE(result);
    CHECK(result.error().code == kCheckpointForeign);
    CHECK(result.error().message.find("plant-1") != std::string::npos);
  }
  put_content(other.path, std::string(8192, 'x'));
  const auto garbage = checkpoint_prepare(other);
  REQUIRE_FALSE(garbage);
  CHECK(garbage.error().code == kCheckpointDamaged);
}

TEST_CASE("a folder that is not there is an error of the file system") {
  CheckpointConfig config;
  config.path = "/nonexistent/checkpoint.db";
  const auto made = checkpoint_prepare(config);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == kCheckpointIo);
}

TEST_CASE("every flipped bit is harmless or found, and never believed") {
  Filled filled;
  const std::string whole = content(filled.config.path);
  REQUIRE(whole.size() > 20000);
  std::mt19937_64 random(11);
  int found = 0;
  const unsigned trials = 1500 / tandemq::test::kThinned;
  for (unsigned i = 0; i < trials; ++i) {
    std::string bytes = whole;
    bytes[random() % bytes.size()] ^= static_cast<char>(1u << random() % 8);
    put_content(filled.config.path, bytes);
    core::State state;
    const auto info = checkpoint_load(filled.config, state, {});
    if (info) {
      CHECK(state.hash() == filled.state.hash());
    } else {
      ++found;
      const bool known = info.error().code == kCheckpointDamaged ||
                         info.error().code == kCheckpointForeign ||
                         info.error().code == kCheckpointIo;
      CHECK_MESSAGE(known, info.error().message);
    }
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(filled.config.path + suffix);
  }
  CHECK(found > 60 / tandemq::test::kThinned);
}

TEST_CASE("a file that was cut short is found") {
  Filled filled;
  const std::string whole = content(filled.config.path);
  for (std::size_t size = whole.size() - 1; size > 0; size = size * 3 / 4) {
    put_content(filled.config.path, whole.substr(0, size));
    core::State state;
    const auto info = checkpoint_load(filled.config, state, {});
    REQUIRE_FALSE(info);
    CHECK(info.error().code == kCheckpointDamaged);
    CHECK(info.error().message.find("resync") != std::string::npos);
    if (size < 100) CHECK_FALSE(checkpoint_prepare(filled.config));
  }
}

TEST_CASE("a damaged file is set aside under names of its own") {
  TempDir dir;
  for (int n = 1; n <= 3; ++n) {
    put_content(config_in(dir).path, "damage");
    put_content(config_in(dir).path + "-wal", "old log");
    REQUIRE_FALSE(checkpoint_load(config_in(dir), *std::make_unique<core::State>(), {}));
    const auto aside = checkpoint_set_aside(config_in(dir));
    REQUIRE(aside);
    CHECK(*aside == config_in(dir).path + ".damaged-" + std::to_string(n));
    CHECK(content(*aside) == "damage");
    CHECK_FALSE(fs::exists(config_in(dir).path + "-wal"));
    REQUIRE(checkpoint_prepare(config_in(dir)));
    fs::remove(config_in(dir).path);
  }
}

TEST_CASE("a snapshot goes to another node and is installed there") {
  Filled source(3), target(5);
  Folder folder(source.config, source.journal);
  const auto snapshot = folder.snapshot(source.dir.path() + "/snapshot");
  REQUIRE_MESSAGE(static_cast<bool>(snapshot), snapshot.error().message);
  CHECK(snapshot->lsn == source.journal.last());
  const std::string received = target.dir.path() + "/received";
  put_content(received, content(snapshot->path));
  CHECK(content(received).size() == snapshot->bytes);

  SUBCASE("whole") {
    const auto installed = checkpoint_install(target.config, received, snapshot->lsn, {});
    REQUIRE_MESSAGE(static_cast<bool>(installed), installed.error().message);
    CHECK(installed->meta.lsn == snapshot->lsn);
    CHECK_FALSE(fs::exists(received));
    CHECK(loaded(target.config)->hash() == source.state.hash());
    // And goes on from there.
    core::State state;
    RandomRecords more(9, source.state, source.journal);
    Folder next(target.config, source.journal);
    REQUIRE(next.fold(source.journal.last()));
    CHECK(loaded(target.config)->hash() == source.state.hash());
  }
  SUBCASE("not what was expected: the old one stays") {
    Lsn expected = snapshot->lsn;
    SUBCASE("another LSN") {
      expected += 1;
    }
    SUBCASE("damaged") {
      std::string bytes = content(received);
      for (std::size_t at = 5000; at < bytes.size(); at += 1000) bytes[at] ^= 1;
      put_content(received, bytes);
    }
    SUBCASE("of another pair") {
      CheckpointConfig foreign = source.config;
      foreign.path = received;
      foreign.pair_id = "plant-2";
      fs::remove(received);
      REQUIRE(checkpoint_prepare(foreign));
    }
    SUBCASE("missing") {
      fs::remove(received);
    }
    REQUIRE_FALSE(checkpoint_install(target.config, received, expected, {}));
    CHECK(loaded(target.config)->hash() == target.state.hash());
  }
}

TEST_CASE("a snapshot that cannot be written is an error of the file system") {
  Filled filled;
  Folder folder(filled.config, filled.journal);
  const auto made = folder.snapshot(filled.dir.path() + "/missing/snapshot");
  REQUIRE_FALSE(made);
  CHECK(made.error().code == kCheckpointIo);
}

TEST_CASE("no space: the fold fails, the checkpoint stays, later it goes on") {
  Filled filled;
  const std::uint64_t before = filled.state.hash();
  const Lsn folded = filled.journal.last();
  filled.journal.append(opened(900, "big"));
  for (int i = 0; i < 200; ++i) {
    filled.journal.append(published(message("a", std::string(4000, 'x')), {target(900, 0)}));
  }
  // No file may grow beyond what it has, in a process of its own.
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    Folder folder(filled.config, filled.journal);
    const auto result = folder.fold(filled.journal.last());
    ::_exit(!result && result.error().code == kCheckpointIo ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(loaded(filled.config)->hash() == before);
  CHECK(checkpoint_inspect(filled.config.path)->meta.lsn == folded);
  Folder folder(filled.config, filled.journal);
  CHECK(folder.fold(filled.journal.last()));
}

TEST_CASE("abandon ends what runs and frees the file") {
  Filled filled;
  RandomRecords more(8, filled.state, filled.journal);
  Folder folder(filled.config, filled.journal);
  int stopped = 0, done = 0;
  for (int i = 0; i < 3; ++i) {
    folder.checkpointer().start(filled.journal.last() + 1000, [&](Result<Lsn> folded) {
      folded ? ++done : ++stopped;
      if (!folded) CHECK(folded.error().code == kCheckpointStopped);
    });
  }
  CHECK(folder.checkpointer().figures().running);
  folder.checkpointer().abandon();
  CHECK(stopped == 3);
  CHECK_FALSE(folder.checkpointer().figures().running);
  {
    sql::Database alone(filled.config.path, sql::Mode::write);
    alone.run("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT");
    CHECK(alone.ok());
  }
  // And it can be used again.
  CHECK(folder.fold(filled.journal.last()));
}

TEST_CASE("a checkpoint that was damaged under a running broker is made anew from memory") {
  const TempDir dir;
  const CheckpointConfig config = config_in(dir);
  MemoryJournal journal;
  core::State state;
  REQUIRE(checkpoint_prepare(config));
  RandomRecords source(8, state, journal);
  Folder folder(config, journal);
  const auto more = [&] {
    for (int i = 0; i < 600; ++i) source.step();
    return folder.fold(journal.last());
  };
  REQUIRE(more());
  std::string bytes = content(config.path);
  std::fill(bytes.begin() + 4096, bytes.end(), '\xff');
  put_content(config.path, bytes);
  folder.checkpointer().abandon();  // a connection keeps pages in memory
  const auto folded = more();
  REQUIRE_FALSE(folded);
  CHECK(folded.error().code == kCheckpointDamaged);

  const auto remade = folder.remake(state);
  REQUIRE_MESSAGE(static_cast<bool>(remade), remade.error().message);
  CHECK(*remade == journal.last());
  CHECK(rows_of(*loaded(config)) == rows_of(state));
  // And it goes on from there.
  REQUIRE(more());
  CHECK(rows_of(*loaded(config)) == rows_of(state));
}

TEST_CASE("a copy that would leave the journal too little room is refused") {
  Filled filled;
  filled.config.spare_bytes = std::uint64_t{1} << 60;
  Folder folder(filled.config, filled.journal);
  const std::string path = filled.dir.path() + "/snapshot-1.db";
  const auto made = folder.snapshot(path);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == kCheckpointIo);
  CHECK(made.error().message.find("no room") != std::string::npos);
  CHECK_FALSE(fs::exists(path));
}

}  // namespace tandemq::broker::test
