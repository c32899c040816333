// A disk that fails once: a sync that failed ends the process for good, a read that failed changes
// nothing, and what else the host refuses is tried again by the next start.
#include <doctest/doctest.h>

#include <functional>
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
  int code = 0;        // 0: it is open
  int ended_with = 0;  // 0: it has not
  Lsn last = 0;
};

Result<std::unique_ptr<Journal>> open_on(MemoryDisk& disk, int& ended_with) {
  JournalConfig config;
  config.dir = kDir;
  config.segment_bytes = 2000;
  config.io = &disk;
  config.on_fatal = [&ended_with](const std::string&, int code) { ended_with = code; };
  return Journal::open(config, nullptr);
}

Opening opened(MemoryDisk& disk) {
  Opening result;
  const auto journal = open_on(disk, result.ended_with);
  result.code = journal ? 0 : journal.error().code;
  if (journal) result.last = (*journal)->figures().last;
  return result;
}

// A process was killed after 90 records, with 60 of them synced, in two segments.
std::unique_ptr<MemoryDisk> killed() {
  MemoryDisk disk;
  int ended_with = 0;
  auto journal = open_on(disk, ended_with);
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

// Everything that changes files, in one life. `safe` is what a start must find.
struct Life {
  int ended_with = 0;
  bool met_it = false;  // what was to fail has failed
  Lsn safe = 0;

  explicit Life(MemoryDisk& disk) {
    auto opened = open_on(disk, ended_with);
    if (!opened) {
      ended_with = ended_with != 0 ? ended_with : opened.error().code;
      met_it = true;
      return;
    }
    Journal& journal = **opened;
    append(journal, 100);  // over several segments
    if (ended_with == 0) journal.drop_through(60, 0);
    if (ended_with == 0) journal.sync_now();
    cut(journal, 90, [&] { return journal.truncate_after(90, nullptr); });
    append(journal, 100);
    cut(journal, 0, [&] { return journal.reset(500); });
    append(journal, 10);
    met_it = disk.change_fails_in + disk.sync_fails_in == 0;
  }

 private:
  void append(Journal& journal, int count) {
    for (int i = 1; i <= count && ended_with == 0; ++i) {
      journal.append(make_epoch(1, 1), 20, "0123456789ab");
      if (i % 4 == 0) journal.flush();
      if (i % 20 == 0) journal.sync_now();
      safe = journal.figures().synced;
    }
  }
  void cut(const Journal& journal, Lsn to, const std::function<Status()>& how) {
    if (ended_with != 0) return;
    safe = to;
    const Status done = how();
    CHECK(static_cast<bool>(done) == (ended_with == 0));
    if (done) safe = journal.figures().synced;
  }
};

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
    CHECK(first.ended_with == kExitDamaged);
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
      CHECK(first.ended_with == 0);
      CHECK_FALSE(changed);
      CHECK(opened(disk).last == (with_torn_tail ? 89 : 90));
    }
    CHECK(failed >= 3);  // the note, two segments
  }
}

TEST_CASE(
    "whatever the host refuses ends a journal with 3, and the next start has what was synced") {
  unsigned refused = 0;
  for (unsigned n = 1; n < 1000; ++n) {
    MemoryDisk disk;
    disk.change_fails_in = n;
    const Life life(disk);
    CAPTURE(n);
    if (!life.met_it) break;
    ++refused;
    CHECK(life.ended_with == kExitEnvironment);
    const Opening next = opened(disk);
    CHECK(next.code == 0);
    CHECK(next.last >= life.safe);
  }
  CHECK(refused > 60);
}

TEST_CASE("whichever sync fails, it ends a journal with 4") {
  unsigned failed = 0;
  for (unsigned n = 1; n < 1000; ++n) {
    MemoryDisk disk;
    disk.sync_fails_in = n;
    const Life life(disk);
    CAPTURE(n);
    if (!life.met_it) break;
    ++failed;
    CHECK(life.ended_with == kExitDamaged);
  }
  CHECK(failed > 20);
}
