// A process that dies while it folds leaves the old checkpoint or the new one, nothing between.
#include <doctest/doctest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>

#include "tests/unit/checkpoint/random_records.h"

namespace tandemq::broker::test {
namespace {

int statements_left = -1;  // before the process ends; negative: it lives

int count_statement(unsigned, void*, void*, void*) {
  if (statements_left >= 0 && statements_left-- == 0) ::_exit(77);
  return 0;
}

int watch_statements(sqlite3* db, const char**, const sqlite3_api_routines*) {
  return sqlite3_trace_v2(db, SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE | SQLITE_TRACE_ROW,
                          count_statement, nullptr);
}

// States at the LSNs that a fold may leave.
struct History {
  TempDir dir;
  CheckpointConfig config = config_in(dir);
  MemoryJournal journal;
  core::State state;
  RandomRecords source;
  explicit History(std::uint64_t seed) : source(seed, state, journal) {
    REQUIRE(checkpoint_prepare(config));
  }
  void grow(int records) {
    for (int i = 0; i < records; ++i) source.step();
  }
  std::uint64_t hash_at(Lsn lsn) const {
    core::State other;
    journal.replay(other, 1, lsn);
    return other.hash();
  }
  void check_whole(Lsn at_least) const {
    const auto state_now = loaded(config);
    const Lsn lsn = state_now->meta().lsn;
    CHECK(lsn >= at_least);
    CHECK(lsn <= journal.last());
    CHECK(state_now->hash() == hash_at(lsn));
  }
};

// Folds in a child that ends as `before_fold` arranged it.
int fold_in_child(History& history, const std::function<void()>& before_fold) {
  std::cout.flush();
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    before_fold();
    Folder folder(history.config, history.journal);
    const bool folded = static_cast<bool>(folder.fold(history.journal.last()));
    ::_exit(folded ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

TEST_CASE("death at any statement leaves a whole checkpoint") {
  History history(21);
  std::mt19937_64 random(22);
  int died = 0;
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(watch_statements));
  for (int round = 0; round < 60; ++round) {
    history.grow(200);
    const Lsn before = checkpoint_inspect(history.config.path)->meta.lsn;
    const int limit = static_cast<int>(random() % 900);
    died += fold_in_child(history, [limit] { statements_left = limit; }) == 77;
    history.check_whole(before);
  }
  sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(watch_statements));
  CHECK(died > 10);
}

TEST_CASE("death at any moment leaves a whole checkpoint") {
  History history(23);
  history.config.window_bytes = 4000;
  std::mt19937_64 random(24);
  int died = 0;
  for (int round = 0; round < 40; ++round) {
    history.grow(400);
    const Lsn before = checkpoint_inspect(history.config.path)->meta.lsn;
    std::cout.flush();
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      Folder folder(history.config, history.journal);
      folder.fold(history.journal.last()) ? ::_exit(0) : ::_exit(1);
    }
    ::usleep(static_cast<useconds_t>(random() % 20000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    died += WIFSIGNALED(status);
    history.check_whole(before);
  }
  CHECK(died > 5);
}

TEST_CASE("a reported fold is there after death") {
  History history(25);
  history.grow(300);
  const int status = fold_in_child(history, [] {});
  CHECK(status == 0);
  history.check_whole(history.journal.last());
}

}  // namespace tandemq::broker::test
