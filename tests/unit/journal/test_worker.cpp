// The sync worker with a loop, and what happens when the disk refuses. Run under TSan as well.
#include <doctest/doctest.h>
#include <event2/event.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <thread>

#include "broker/base/exit_code.h"
#include "replicator/journal/journal.h"
#include "tests/support/memory_disk.h"
#include "tests/support/temp_dir.h"

using namespace tandemq;
using namespace tandemq::repl;
using test::MemoryDisk;
using test::TempDir;

namespace {

constexpr Epoch kEpoch = make_epoch(1, 1);

struct Loop {
  event_base* base = event_base_new();
  ~Loop() { event_base_free(base); }
  void turn() { event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK); }
};

// Real files whose sync can be made to wait and to fail from another thread.
class SlowIo final : public JournalIo {
 public:
  int fdatasync(int fd) override {
    std::this_thread::sleep_for(std::chrono::microseconds(delay_us.load()));
    if (sync_error != 0) return -sync_error;
    return JournalIo::fdatasync(fd);
  }
  ssize_t pwrite(int fd, std::string_view data, std::uint64_t offset) override {
    writes += 1;
    if (write_error != 0) return -write_error;
    return JournalIo::pwrite(fd, data.substr(0, 1 + data.size() / 2), offset);  // always short
  }
  std::atomic<int> delay_us = 0;
  std::atomic<int> sync_error = 0;
  std::atomic<int> write_error = 0;
  std::atomic<int> writes = 0;
};

struct Opened {
  explicit Opened(std::uint64_t segment_bytes = 1 << 16) {
    JournalConfig config;
    config.dir = dir.path();
    config.segment_bytes = segment_bytes;
    config.io = &io;
    config.on_fatal = [this](const std::string& line, int code) {
      const std::lock_guard lock(mutex);
      fatal = line;
      exit_code = code;
    };
    auto opened = Journal::open(config, loop.base);
    REQUIRE(opened);
    journal = std::move(*opened);
    journal->on_synced = [this](Lsn lsn) {
      CHECK(lsn > synced);
      synced = lsn;
    };
  }
  std::string fatal_line() {
    const std::lock_guard lock(mutex);
    return fatal;
  }
  template <class Until>
  void turn_until(Until until) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!until() && std::chrono::steady_clock::now() < end) loop.turn();
    REQUIRE(until());
  }

  TempDir dir;
  SlowIo io;
  Loop loop;
  Lsn synced = 0;
  std::mutex mutex;
  std::string fatal;
  int exit_code = 0;
  std::unique_ptr<Journal> journal;
};

}  // namespace

TEST_CASE("syncs are reported on the loop, in order, over rolled segments, and coalesce") {
  Opened opened(4096);
  opened.io.delay_us = 300;
  Journal& journal = *opened.journal;
  Lsn last = 0;
  for (int i = 0; i < 2000; ++i) {
    last = journal.append(kEpoch, 20, "some body of a record");
    journal.flush();
    journal.request_sync();
    CHECK(journal.figures().synced >= opened.synced);
    opened.loop.turn();
    if (i % 500 == 499) journal.drop_through(last / 2, 0);
  }
  opened.turn_until([&] { return opened.synced == last; });
  const JournalFigures figures = journal.figures();
  CHECK(figures.synced == last);
  CHECK(figures.syncs_total > 0);
  CHECK(figures.syncs_total < 2000);
  CHECK(figures.sync_us_last > 0);
}

TEST_CASE("sync_now waits for a sync that is under way, and the loop still hears of it") {
  Opened opened;
  opened.io.delay_us = 20'000;
  opened.journal->append(kEpoch, 20, "one");
  opened.journal->flush();
  opened.journal->request_sync();
  opened.journal->append(kEpoch, 20, "two");
  opened.journal->flush();
  opened.journal->sync_now();
  CHECK(opened.journal->figures().synced == 2);
  CHECK(opened.synced == 0);
  opened.turn_until([&] { return opened.synced == 2; });
}

TEST_CASE("after a failed sync nothing is written, synced or reported any more") {
  Opened opened;
  opened.journal->append(kEpoch, 20, "good");
  opened.journal->flush();
  opened.journal->request_sync();
  opened.turn_until([&] { return opened.synced == 1; });
  opened.io.sync_error = EIO;
  opened.journal->append(kEpoch, 20, "lost");
  opened.journal->flush();
  opened.journal->request_sync();
  opened.turn_until([&] { return !opened.fatal_line().empty(); });
  CHECK(opened.fatal_line().find("level=fatal event=journal_sync_failed file=") == 0);
  CHECK(opened.fatal_line().find("error=\"Input/output error\"") != std::string::npos);
  CHECK(opened.fatal_line().find("action=\"stopping; the peer takes over\"") != std::string::npos);

  opened.io.sync_error = 0;  // a second attempt would seem to succeed: the kernel forgot
  const int writes = opened.io.writes;
  opened.journal->append(kEpoch, 20, "never");
  opened.journal->flush();
  opened.journal->request_sync();
  opened.journal->sync_now();
  for (int i = 0; i < 100; ++i) opened.loop.turn();
  CHECK(opened.io.writes == writes);
  CHECK(opened.synced == 1);
  CHECK(opened.journal->figures().synced == 1);
  CHECK_FALSE(opened.journal->truncate_after(0, nullptr));
}

TEST_CASE("a failed write stops the journal at once") {
  Opened opened;
  opened.io.write_error = ENOSPC;
  opened.journal->append(kEpoch, 20, "lost");
  opened.journal->flush();
  CHECK(opened.fatal_line().find("event=journal_write_failed") != std::string::npos);
  CHECK(opened.fatal_line().find("No space left on device") != std::string::npos);
  CHECK(opened.journal->figures().written == 0);
}

TEST_CASE(
    "a sync that fails beside a failed write has the last word: no start may believe the disk") {
  Opened opened;
  opened.io.delay_us = 50'000;
  opened.io.sync_error = EIO;
  opened.journal->append(kEpoch, 20, "one");
  opened.journal->flush();
  opened.journal->request_sync();
  opened.io.write_error = EROFS;
  opened.journal->append(kEpoch, 20, "two");
  opened.journal->flush();
  CHECK(opened.fatal_line().find("event=journal_sync_failed") != std::string::npos);
  CHECK(opened.exit_code == kExitDamaged);
}

TEST_CASE("a full disk is met where space is reserved: at a new segment, not in the middle") {
  MemoryDisk disk;
  disk.capacity = 3 * 4096;
  std::string fatal;
  JournalConfig config;
  config.dir = "/journal";
  config.segment_bytes = 4096;
  config.io = &disk;
  config.on_fatal = [&fatal](const std::string& line, int) { fatal = line; };
  auto journal = Journal::open(config, nullptr);
  REQUIRE(journal);
  Lsn written = 0;
  for (int i = 0; i < 400 && fatal.empty(); ++i) {
    (*journal)->append(kEpoch, 20, std::string(60, 'x'));
    written = (*journal)->flush();
  }
  CHECK(fatal.find("No space left on device") != std::string::npos);
  CHECK(written > 100);
  journal->reset();
  disk.capacity = ~std::uint64_t{0};
  auto again = Journal::open(config, nullptr);
  REQUIRE(again);
  CHECK((*again)->figures().last == written);
}

TEST_CASE("a full disk at the start is an error, not a crash") {
  MemoryDisk disk;
  disk.capacity = 100;
  JournalConfig config;
  config.dir = "/journal";
  config.io = &disk;
  const auto journal = Journal::open(config, nullptr);
  REQUIRE_FALSE(journal);
  CHECK(journal.error().code == 3);
  CHECK(journal.error().message.find("No space left") != std::string::npos);
}

TEST_CASE("a cut or reset that the disk refuses halfway stops the journal") {
  for (const bool reset : {false, true}) {
    MemoryDisk disk;
    std::string fatal;
    JournalConfig config;
    config.dir = "/journal";
    config.segment_bytes = 4096;
    config.io = &disk;
    config.on_fatal = [&fatal](const std::string& line, int) { fatal = line; };
    auto journal = Journal::open(config, nullptr);
    REQUIRE(journal);
    for (int i = 0; i < 200; ++i) (*journal)->append(kEpoch, 20, std::string(60, 'x'));
    (*journal)->flush();
    (*journal)->sync_now();
    disk.sync_error = EIO;
    const Status done = reset ? (*journal)->reset(1000) : (*journal)->truncate_after(5, nullptr);
    CHECK_FALSE(done);
    CHECK(fatal.find("event=journal_sync_failed") != std::string::npos);
    CHECK(fatal.find("Input/output error") != std::string::npos);
  }
}
