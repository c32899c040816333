// A disk that fails once while a journal is opened: a sync that failed ends the process for good, a
// read that failed changes nothing.
#include <doctest/doctest.h>

#include <random>

#include "broker/base/exit_code.h"
#include "replicator/core/segment.h"
#include "replicator/journal/journal.h"
#include "tests/support/memory_disk.h"

using namespace tandemq;
using namespace tandemq::repl;
using test::MemoryDisk;

namespace {

constexpr const char* kDir = "/journal";

struct Opening {
  int code = 0;  // 0: it is open
  bool ended = false;
  Lsn last = 0;
};

Result<std::unique_ptr<Journal>> open_on(MemoryDisk& disk, bool& ended) {
  JournalConfig config;
  config.dir = kDir;
  config.segment_bytes = 2000;
  config.io = &disk;
  config.on_fatal = [&ended](const std::string&) { ended = true; };
  return Journal::open(config, nullptr);
}

Opening opened(MemoryDisk& disk) {
  Opening result;
  const auto journal = open_on(disk, result.ended);
  result.code = journal ? 0 : journal.error().code;
  if (journal) result.last = (*journal)->figures().last;
  return result;
}

// A process was killed after 90 records, with 60 of them synced, in two segments.
std::unique_ptr<MemoryDisk> killed() {
  MemoryDisk disk;
  bool ended = false;
  auto journal = open_on(disk, ended);
  for (Lsn lsn = 1; lsn <= 90; ++lsn) {
    (*journal)->append(make_epoch(1, 1), 20, "0123456789ab");
    if (lsn % 4 == 0) (*journal)->flush();
    if (lsn == 60) (*journal)->sync_now();
  }
  (*journal)->flush();
  return std::make_unique<MemoryDisk>(disk);
}

std::unique_ptr<MemoryDisk> torn() {
  auto disk = killed();
  std::string* newest = nullptr;
  for (Lsn first = 90; newest == nullptr; --first) {
    newest = disk->content(std::string(kDir) + "/" + segment_name(first));
  }
  (*newest)[newest->find_last_not_of('\0')] ^= 1;
  return disk;
}

}  // namespace

TEST_CASE("a sync that fails while a journal is opened ends the process, as at any other time") {
  std::unique_ptr<MemoryDisk> image;
  Lsn last = 0;
  unsigned at_least = 0;
  SUBCASE("a new journal") {
    image = std::make_unique<MemoryDisk>();
    at_least = 2;  // its first segment, the folder
  }
  SUBCASE("what a killed process left") {
    image = killed();
    last = 90;
    at_least = 4;  // two segments, the note, the folder
  }
  SUBCASE("with a torn tail") {
    image = torn();
    last = 89;
    at_least = 7;  // the folder and twice the segment that is cut before
  }
  unsigned failed = 0;
  for (unsigned n = 1; n < 100; ++n) {
    MemoryDisk disk(*image);
    disk.sync_fails_in = n;
    const Opening first = opened(disk);
    if (first.code == 0) break;  // it fails later
    CAPTURE(n);
    ++failed;
    CHECK(first.ended);
    CHECK(first.code == kExitEnvironment);  // not damage: nothing is to be set aside
  }
  CHECK(failed >= at_least);
  CHECK(opened(*image).last == last);
}

TEST_CASE("why: the start after it takes for durable what the disk does not have") {
  const auto disk = killed();
  disk->sync_fails_in = 2;  // the newest segment
  CHECK(opened(*disk).code != 0);
  CHECK(opened(*disk).last == 90);
  std::mt19937_64 random(1);
  disk->lose_power(random, 0);
  CHECK(opened(*disk).code == kExitDamaged);
}

TEST_CASE("a read that fails while a journal is opened changes nothing: the next start finds all") {
  for (const bool with_torn_tail : {false, true}) {
    const auto image = with_torn_tail ? torn() : killed();
    unsigned failed = 0;
    for (unsigned n = 1; n < 100; ++n) {
      MemoryDisk disk(*image);
      bool changed = false;
      disk.before_change = [&changed] { changed = true; };
      disk.read_fails_in = n;
      const Opening first = opened(disk);
      if (disk.read_fails_in != 0) break;
      CAPTURE(n);
      ++failed;
      CHECK(first.code == kExitEnvironment);
      CHECK_FALSE(first.ended);
      CHECK_FALSE(changed);
      CHECK(opened(disk).last == (with_torn_tail ? 89 : 90));
    }
    CHECK(failed >= 3);  // the note, two segments
  }
}
