#include <doctest/doctest.h>

#include <random>

#include "replicator/journal/journal.h"
#include "tests/support/temp_dir.h"

using namespace tandemq;
using namespace tandemq::repl;
using test::TempDir;

namespace {

constexpr Epoch kEpoch = make_epoch(1, 1);

std::unique_ptr<Journal> must_open(const std::string& dir, std::uint64_t segment_bytes = 4096) {
  JournalConfig config;
  config.dir = dir;
  config.segment_bytes = segment_bytes;
  auto journal = Journal::open(config, nullptr);
  if (!journal) FAIL(journal.error().message);
  return std::move(*journal);
}

std::string body_of(Lsn lsn) {
  return "record " + std::to_string(lsn) + std::string(lsn % 97, 'x');
}

void append_many(Journal& journal, Lsn upto, Epoch epoch = kEpoch) {
  while (journal.figures().last < upto) {
    const Lsn lsn = journal.figures().last + 1;
    REQUIRE(journal.append(epoch, 20, body_of(lsn)) == lsn);
    if (lsn % 7 == 0) journal.flush();
    if (lsn % 21 == 0) journal.sync_now();
  }
  journal.flush();
}

// Reads everything held from `from` on, in pieces, and checks each frame.
void check_holds(Journal& journal, Lsn from, Lsn last) {
  Lsn next = from;
  while (next <= last) {
    std::string out;
    const Result<Lsn> got = journal.read(next, 300, out);
    REQUIRE(got);
    REQUIRE(*got >= next);
    std::string_view left = out;
    FrameView frame;
    while (!left.empty()) {
      REQUIRE(read_frame(left, frame) == FrameRead::frame);
      REQUIRE(frame.lsn == next);
      CHECK(frame.body == body_of(next));
      left.remove_prefix(frame.bytes.size());
      ++next;
    }
    REQUIRE(next == *got + 1);
  }
  std::string out;
  CHECK(*journal.read(last + 1, 300, out) == last);
  CHECK(out.empty());
}

}  // namespace

TEST_CASE("what was appended is read back, over many segments and a reopen") {
  TempDir dir;
  {
    auto journal = must_open(dir.path());
    CHECK(journal->figures().first == 0);
    append_many(*journal, 1000);
    CHECK(journal->figures().segments > 10);
    CHECK(journal->figures().first == 1);
    check_holds(*journal, 1, 1000);
    check_holds(*journal, 517, 1000);
  }
  auto journal = must_open(dir.path());
  CHECK(journal->figures().last == 1000);
  CHECK(journal->figures().synced == 1000);
  CHECK(journal->figures().torn_bytes_cut == 0);
  CHECK(journal->tail_note().empty());
  check_holds(*journal, 1, 1000);
  append_many(*journal, 1100);
  check_holds(*journal, 1, 1100);
}

TEST_CASE("pending is what was appended since the last flush, and goes to another journal") {
  TempDir a, b;
  auto from = must_open(a.path());
  auto to = must_open(b.path(), 1 << 16);
  std::mt19937_64 random(1);
  Lsn last = 0;
  while (last < 500) {
    const Lsn first = last + 1;
    for (auto n = random() % 40; n-- > 0;) last = from->append(kEpoch, 20, body_of(last + 1));
    if (last < first) continue;
    const std::string frames(from->pending());
    to->append_frames(frames, first, last);
    from->flush();
    if (random() % 3 == 0) from->sync_now();
    CHECK(from->pending().empty());
    CHECK(from->flushed() == frames);
    to->flush();
    CHECK(to->flushed() == frames);
  }
  check_holds(*to, 1, last);
  check_holds(*from, 1, last);
}

TEST_CASE("a record longer than a segment gets a longer segment") {
  TempDir dir;
  const std::string big(20'000, 'b');
  {
    auto journal = must_open(dir.path());
    journal->append(kEpoch, 20, big);
    journal->append(kEpoch, 20, "small");
    journal->flush();
    journal->append(kEpoch, 20, big);
    journal->append(kEpoch, 20, big);
    journal->flush();
  }
  auto journal = must_open(dir.path());
  CHECK(journal->figures().last == 4);
  std::string out;
  CHECK(*journal->read(1, 1, out) == 1);  // at least one
  CHECK(out.size() == kFrameHeader + big.size());
  out.clear();
  CHECK(*journal->read(1, 1 << 20, out) == 4);
}

TEST_CASE("epochs are known per record") {
  TempDir dir;
  {
    auto journal = must_open(dir.path());
    append_many(*journal, 100, make_epoch(1, 1));
    append_many(*journal, 200, make_epoch(2, 2));
    append_many(*journal, 300, make_epoch(7, 1));
  }
  auto journal = must_open(dir.path());
  CHECK(journal->epoch_at(1) == make_epoch(1, 1));
  CHECK(journal->epoch_at(100) == make_epoch(1, 1));
  CHECK(journal->epoch_at(101) == make_epoch(2, 2));
  CHECK(journal->epoch_at(300) == make_epoch(7, 1));
  CHECK(journal->epoch_at(301) == 0);
  CHECK(journal->epoch_at(0) == 0);
  journal->drop_through(250, 0);
  const Lsn first = journal->figures().first;
  CHECK(first > 200);
  CHECK(first <= 251);
  CHECK(journal->epoch_at(first - 1) == 0);
  CHECK(journal->epoch_at(first) == make_epoch(7, 1));
  std::string out;
  CHECK_FALSE(journal->read(first - 1, 10, out));
  check_holds(*journal, first, 300);
}

TEST_CASE("a cut takes every later record away, for good, and hands the frames out") {
  std::mt19937_64 random(2);
  for (int round = 0; round < 40; ++round) {
    TempDir dir;
    const Lsn last = 1 + random() % 300;
    const Lsn keep = random() % (last + 1);
    CAPTURE(last);
    CAPTURE(keep);
    {
      auto journal = must_open(dir.path());
      append_many(*journal, last);
      std::string cut;
      REQUIRE(journal->truncate_after(keep, &cut));
      CHECK(journal->figures().last == keep);
      CHECK(journal->figures().synced == keep);
      FrameView frame;
      if (keep < last) {
        REQUIRE(read_frame(cut, frame) == FrameRead::frame);
        CHECK(frame.lsn == keep + 1);
      } else {
        CHECK(cut.empty());
      }
      if (round % 2 == 0) append_many(*journal, last + 20, make_epoch(2, 2));
    }
    const Lsn now = round % 2 == 0 ? last + 20 : keep;
    auto journal = must_open(dir.path());
    CHECK(journal->figures().last == now);
    check_holds(*journal, 1, now);
    CHECK(journal->epoch_at(keep + 1) == (round % 2 == 0 ? make_epoch(2, 2) : 0));
  }
}

TEST_CASE("a reset journal goes on at the given record, also after a reopen") {
  TempDir dir;
  {
    auto journal = must_open(dir.path());
    append_many(*journal, 300);
    REQUIRE(journal->reset(5001));
    CHECK(journal->figures().first == 0);
    CHECK(journal->figures().last == 5000);
  }
  auto journal = must_open(dir.path());
  CHECK(journal->figures().last == 5000);
  append_many(*journal, 5200, make_epoch(3, 1));
  check_holds(*journal, 5001, 5200);
  std::string out;
  CHECK_FALSE(journal->read(5000, 10, out));
}

TEST_CASE("a second process is told that the journal is in use") {
  TempDir dir;
  auto journal = must_open(dir.path());
  JournalConfig config;
  config.dir = dir.path();
  const auto second = Journal::open(config, nullptr);
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find("in use") != std::string::npos);
  CHECK(second.error().code == 3);
}

TEST_CASE("a folder that cannot be made is a clear error") {
  JournalConfig config;
  config.dir = "/proc/nowhere/journal";
  const auto journal = Journal::open(config, nullptr);
  REQUIRE_FALSE(journal);
  CHECK(journal.error().code == 3);
  CHECK(journal.error().message.find("/proc/nowhere/journal") != std::string::npos);
}
