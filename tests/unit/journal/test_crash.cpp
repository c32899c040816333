// A recorded run of the journal, stopped after every byte that it writes, by a killed process and
// by a lost power: whatever was synced is there, nothing after the cut is invented.
#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "replicator/journal/journal.h"
#include "tests/support/effort.h"
#include "tests/support/memory_disk.h"

using namespace tandemq;
using namespace tandemq::repl;
using test::MemoryDisk;

namespace {

constexpr const char* kDir = "/journal";
constexpr std::uint64_t kSegmentBytes = 1500;

std::string body_of(Lsn lsn) {
  std::string body = "body " + std::to_string(lsn);
  body.resize(10 + lsn * 37 % 180, static_cast<char>('a' + lsn % 26));
  if (lsn % 11 == 0) body.append(600, '\0');  // whole sectors of zeros in good records too
  return body;
}

Result<std::unique_ptr<Journal>> open_on(MemoryDisk& disk) {
  JournalConfig config;
  config.dir = kDir;
  config.segment_bytes = kSegmentBytes;
  config.io = &disk;
  config.on_fatal = [](const std::string&, int) {};
  return Journal::open(config, nullptr);
}

struct Reached {
  Lsn written = 0;
  Lsn synced = 0;
  Lsn appended = 0;
};

// Batches of changing size, synced now and then. The disk stops it after its bytes_left.
Reached run(Journal& journal, Lsn upto) {
  Reached reached;
  while (reached.appended < upto && reached.written == reached.appended) {
    for (Lsn n = 1 + reached.appended % 4; n > 0; --n) {
      reached.appended = journal.append(make_epoch(1, 1), 20, body_of(reached.appended + 1));
    }
    journal.flush();
    reached.written = journal.figures().written;
    if (reached.appended % 3 == 0) journal.sync_now();
    reached.synced = journal.figures().synced;
  }
  return reached;
}

void check_records(Journal& journal, Lsn last) {
  std::string out;
  REQUIRE(*journal.read(1, 1 << 20, out) == last);
  std::string_view left = out;
  FrameView frame;
  for (Lsn lsn = 1; lsn <= last; ++lsn) {
    REQUIRE(read_frame(left, frame) == FrameRead::frame);
    REQUIRE(frame.lsn == lsn);
    REQUIRE(frame.body == body_of(lsn));
    left.remove_prefix(frame.bytes.size());
  }
  REQUIRE(left.empty());
}

// Opens what a crash left, checks it, goes on, and opens once more.
void check_left(MemoryDisk& disk, Lsn at_least, Lsn at_most) {
  Lsn last = 0;
  {
    auto journal = open_on(disk);
    if (!journal) FAIL(journal.error().message);
    last = (*journal)->figures().last;
    REQUIRE(last >= at_least);
    REQUIRE(last <= at_most);
    check_records(**journal, last);
    (*journal)->append(make_epoch(2, 1), 20, body_of(last + 1));
    (*journal)->flush();
  }
  auto again = open_on(disk);
  if (!again) FAIL(again.error().message);
  REQUIRE((*again)->figures().last == last + 1);
  check_records(**again, last + 1);
}

}  // namespace

TEST_CASE("a run stopped after every byte keeps what was synced and invents nothing") {
  constexpr Lsn kUpto = 60;
  MemoryDisk whole;
  {
    auto journal = open_on(whole);
    run(**journal, kUpto);
    REQUIRE((*journal)->figures().segments > 5);
  }
  std::mt19937_64 random(42);
  std::uint64_t holes = 0;
  for (std::uint64_t bytes = 1; bytes < whole.written; bytes += test::kThinned) {
    CAPTURE(bytes);
    MemoryDisk disk;
    Reached reached;
    std::optional<MemoryDisk> killed;
    {
      auto journal = open_on(disk);
      disk.bytes_left = bytes;
      reached = run(**journal, kUpto);
      killed.emplace(disk);
    }
    for (const unsigned kept : {0u, 30u, 70u, 95u}) {
      CAPTURE(kept);
      MemoryDisk unpowered(*killed);
      unpowered.lose_power(random, kept);
      check_left(unpowered, reached.synced, reached.appended);
      holes += kept == 70;
    }
    check_left(*killed, reached.written, reached.appended);
  }
  CHECK(holes > 1000 / test::kThinned);
}

namespace {

// Runs `change` on a journal of `upto` records and calls `check` with what a crash before each of
// its steps on the disk leaves: of the process, and of the power with some luck.
void crash_at_every_step(Lsn upto, const std::function<void(Journal&)>& change,
                         const std::function<void(MemoryDisk&)>& check) {
  MemoryDisk disk;
  std::vector<std::unique_ptr<MemoryDisk>> images;
  {
    auto journal = open_on(disk);
    run(**journal, upto);
    (*journal)->sync_now();
    disk.before_change = [&] { images.push_back(std::make_unique<MemoryDisk>(disk)); };
    change(**journal);
    disk.before_change = nullptr;
    images.push_back(std::make_unique<MemoryDisk>(disk));
  }
  REQUIRE(images.size() > 1);
  std::mt19937_64 random(upto);
  for (std::size_t step = 0; step < images.size(); ++step) {
    CAPTURE(step);
    for (const unsigned kept : {0u, 50u, 90u}) {
      MemoryDisk unpowered(*images[step]);
      unpowered.lose_power(random, kept);
      check(unpowered);
    }
    check(*images[step]);
  }
}

}  // namespace

TEST_CASE("a crash at any step of a cut leaves a journal without a gap") {
  for (Lsn keep = 0; keep <= 40; ++keep) {
    CAPTURE(keep);
    crash_at_every_step(
        40, [keep](Journal& journal) { REQUIRE(journal.truncate_after(keep, nullptr)); },
        [keep](MemoryDisk& disk) { check_left(disk, keep, 43); });
  }
}

TEST_CASE(
    "a crash at any step of a reset leaves the old journal, a first part of it, or the new one") {
  crash_at_every_step(
      40, [](Journal& journal) { REQUIRE(journal.reset(1000)); },
      [](MemoryDisk& disk) {
        auto journal = open_on(disk);
        if (!journal) FAIL(journal.error().message);
        const Lsn last = (*journal)->figures().last;
        if (last == 999) return;
        REQUIRE(last <= 43);
        check_records(**journal, last);
      });
}

TEST_CASE("a crash while old segments are dropped leaves the others") {
  crash_at_every_step(
      40, [](Journal& journal) { journal.drop_through(30, 0); },
      [](MemoryDisk& disk) {
        auto journal = open_on(disk);
        if (!journal) FAIL(journal.error().message);
        REQUIRE((*journal)->figures().last >= 40);
        REQUIRE((*journal)->figures().first <= 31);
      });
}

TEST_CASE("old segments are dropped after the newest one is durable") {
  MemoryDisk disk;
  auto journal = open_on(disk);
  REQUIRE(journal);
  for (Lsn lsn = 1; lsn <= 40; ++lsn) (*journal)->append(1, 20, body_of(lsn));
  (*journal)->flush();  // a checkpoint may hold what is committed and not synced yet
  (*journal)->drop_through(40, 0);
  REQUIRE((*journal)->figures().segments == 1);
  std::mt19937_64 random(1);
  MemoryDisk unpowered = disk;
  unpowered.lose_power(random, 0);
  auto left = open_on(unpowered);
  if (!left) FAIL(left.error().message);
  CHECK((*left)->figures().last == 40);
}
