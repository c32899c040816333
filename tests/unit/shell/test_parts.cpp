// The small parts of a node: clock, histogram, log.
#include <doctest/doctest.h>

#include "broker/shell/commit_timer.h"
#include "broker/shell/peer_absence.h"
#include "broker/support/log.h"
#include "broker/support/log_limit.h"
#include "broker/support/turn.h"

using namespace tandemq;
using namespace tandemq::broker;

TEST_CASE("the pair's clock goes on from where it is told") {
  PairClock clock;
  CHECK(clock.at(monotonic_ns()) + 1000 > wall_ms());
  clock.follow(5'000, 1'000'000'000);
  CHECK(clock.at(1'000'000'000) == 5'000);
  CHECK(clock.at(2'500'000'000) == 6'500);
  clock.not_before(4'000, 1'000'000'000);
  CHECK(clock.at(1'000'000'000) == 5'000);
  clock.not_before(9'000, 1'000'000'000);
  CHECK(clock.at(1'000'000'000) == 9'000);
}

TEST_CASE("a turn reads its time once") {
  PairClock clock;
  Turn turn;
  CHECK(turn.end() == 0);
  turn.begin(clock);
  const TimeMs now = turn.now();
  const std::uint64_t mono = turn.mono_ns();
  turn.begin(clock);
  CHECK(turn.now() == now);
  CHECK(turn.mono_ns() == mono);
  CHECK(turn.end() > 0);
  CHECK_FALSE(turn.begun());
}

TEST_CASE("commit latency is one sample a batch") {
  CommitTimer timer;
  timer.appended(5, 100, 0);
  timer.appended(9, 20, 1'000'000);
  timer.committed(4, 2'000'000);
  CHECK(timer.histogram().sum_ns == 0);
  CHECK(timer.open_bytes() == 120);
  timer.committed(9, 2'000'000);
  CHECK(timer.open_bytes() == 0);
  timer.appended(9, 7, 3'000'000);  // committed in the turn that appended it
  CHECK(timer.open_bytes() == 0);
  CHECK(timer.histogram().sum_ns == 3'000'000);
  std::uint64_t samples = 0;
  for (const std::uint64_t count : timer.histogram().counts) samples += count;
  CHECK(samples == 2);
}

TEST_CASE("histogram buckets include their bound") {
  Histogram histogram;
  histogram.observe_ns(20'000);
  histogram.observe_ns(20'001);
  histogram.observe_ns(2'000'000'000);
  CHECK(histogram.counts[0] == 1);
  CHECK(histogram.counts[1] == 1);
  CHECK(histogram.counts.back() == 1);
}

TEST_CASE("a flood of one event is left out of the log, and counted") {
  LogLimit limit;
  std::vector<std::pair<std::string, std::uint64_t>> told;
  const auto note = [&](const std::string& event, std::uint64_t lines) {
    told.emplace_back(event, lines);
  };
  for (std::uint32_t i = 0; i < LogLimit::kLinesPerSecond; ++i) CHECK(limit.take("a", 7));
  for (int i = 0; i < 5; ++i) CHECK_FALSE(limit.take("a", 7));
  CHECK(limit.take("b", 7));
  limit.tell(7, note);
  CHECK(told.empty());
  CHECK(limit.take("a", 8));
  limit.tell(9, note);
  limit.tell(9, note);
  REQUIRE(told.size() == 1);
  CHECK(told.front() == std::pair<std::string, std::uint64_t>{"a", 5});
}

TEST_CASE("the absence of the peer is told after ten seconds, then every ten minutes") {
  PeerAbsence absence;
  std::vector<std::uint32_t> told;
  for (std::uint32_t s = 1; s <= 1300; ++s) {
    if (absence.tick(false)) told.push_back(s);
  }
  CHECK(told == std::vector<std::uint32_t>{10, 600, 1200});
  CHECK_FALSE(absence.tick(true));
  for (int s = 1; s < 10; ++s) CHECK_FALSE(absence.tick(false));
  CHECK(absence.tick(false));
}

TEST_CASE("control characters of names stay out of the log") {
  CHECK(format_line(LogLevel::info, "x", {{"a", "\x1b[2J\x01"}}) ==
        "level=info event=x a=\"\\x1b[2J\\x01\"");
}

TEST_CASE("log lines quote what needs it") {
  CHECK(format_line(LogLevel::notice, "x", {{"a", 1}, {"b", "c d"}, {"e", ""}, {"f", true}}) ==
        "level=notice event=x a=1 b=\"c d\" e=\"\" f=true");
  CHECK(format_line(LogLevel::error, "x", {{"a", "q\"\\\n="}}) ==
        "level=error event=x a=\"q\\\"\\\\\\n=\"");
}
