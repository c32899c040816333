#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <string>

#include "tests/bench/delivery_check.h"
#include "tests/bench/histogram.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/report.h"
#include "tests/bench/timeline.h"
#include "tests/bench/websocket.h"

using namespace tandemq::bench;

TEST_CASE("histogram: quantiles are within two percent") {
  Histogram histogram;
  CHECK(histogram.at(0.5) == 0);
  for (std::uint64_t i = 1; i <= 100000; ++i) histogram.add(i * 1000);
  for (const double quantile : {0.01, 0.5, 0.95, 0.99}) {
    const double expected = quantile * 1e8;
    const auto got = static_cast<double>(histogram.at(quantile));
    CHECK(std::abs(got - expected) < 0.02 * expected);
  }
  CHECK(histogram.at(1) == 100000000);
  CHECK(histogram.max() == 100000000);
  CHECK(histogram.count() == 100000);
}

TEST_CASE("histogram: takes the smallest and the largest value") {
  Histogram histogram;
  histogram.add(0);
  histogram.add(~std::uint64_t{0});
  CHECK(histogram.at(0.1) == 0);
  CHECK(histogram.at(1) == ~std::uint64_t{0});
}

TEST_CASE("delivery check: a good run") {
  DeliveryCheck check(2);
  const std::size_t one = check.add_stream(0, 1);
  const std::size_t two = check.add_stream(1, 2);
  for (std::uint64_t i = 0; i < 100; ++i) {
    check.acknowledged(0, i);
    check.acknowledged(1, i);
    check.delivered(one, i);
    check.delivered(two, i);
  }
  check.delivered(one, 100);  // not acknowledged, delivered all the same
  const DeliveryCheck::Verdict verdict = check.verdict();
  CHECK(verdict.lost == 0);
  CHECK(verdict.delivered == 201);
  CHECK(verdict.qos1_duplicates == 0);
  CHECK(verdict.qos2_duplicates == 0);
  CHECK(verdict.order_violations == 0);
}

TEST_CASE("delivery check: loss is told for every subscriber that missed a message") {
  DeliveryCheck check(1);
  const std::size_t a = check.add_stream(0, 1);
  check.add_stream(0, 1);
  check.acknowledged(0, 0);
  check.acknowledged(0, 1);
  check.delivered(a, 0);
  CHECK(check.verdict().lost == 3);
}

TEST_CASE("delivery check: a repetition counts by QoS and is no disorder") {
  DeliveryCheck check(2);
  const std::size_t one = check.add_stream(0, 1);
  const std::size_t two = check.add_stream(1, 2);
  for (const std::size_t stream : {one, two}) {
    for (const std::uint64_t sequence : {0u, 1u, 2u, 1u}) check.delivered(stream, sequence);
  }
  CHECK(check.verdict().qos1_duplicates == 1);
  CHECK(check.verdict().qos2_duplicates == 1);
  CHECK(check.verdict().order_violations == 0);
}

TEST_CASE("delivery check: a message that comes after a later one is a violation") {
  DeliveryCheck check(1);
  const std::size_t stream = check.add_stream(0, 1);
  for (const std::uint64_t sequence : {0u, 2u, 1u, 3u}) check.delivered(stream, sequence);
  CHECK(check.verdict().order_violations == 1);
  CHECK(check.verdict().qos1_duplicates == 0);
}

TEST_CASE("timeline: the longest gap, also one that never ended") {
  Timeline timeline;
  timeline.begin(1000);
  timeline.acknowledged(1100);
  timeline.acknowledged(1400);
  timeline.acknowledged(1450);
  CHECK(timeline.longest_gap_ns() == 300);
  CHECK(timeline.longest_gap_began_ns() == 1100);
  timeline.end(9000);
  CHECK(timeline.longest_gap_ns() == 7550);
  timeline.acknowledged(99999);  // the load has stopped, so this is none
  CHECK(timeline.longest_gap_ns() == 7550);
}

TEST_CASE("timeline: a stall before or long after the kill is not the failover's gap") {
  constexpr std::uint64_t second = 1'000'000'000;
  Timeline timeline;
  timeline.begin(1);
  timeline.acknowledged(2 * second);
  timeline.killed(2 * second + 10);
  timeline.acknowledged(2 * second + 500);
  timeline.acknowledged(2 * second + 600);
  CHECK(timeline.failover_gap_ns() == 500);
  timeline.acknowledged(3 * second + 600);
  CHECK(timeline.failover_gap_ns() == second);
  timeline.acknowledged(6 * second);
  CHECK(timeline.failover_gap_ns() == second);
  CHECK(timeline.longest_gap_ns() > 2 * second);
}

TEST_CASE("timeline: the first acknowledgement is the one after the clients came back") {
  Timeline timeline;
  timeline.begin(1);
  timeline.killed(1000);
  timeline.acknowledged(1001);  // was on its way
  timeline.down(1002);
  timeline.back(1500, 498);
  timeline.acknowledged(1510);
  timeline.back(1600, 598);
  timeline.acknowledged(1700);
  CHECK(timeline.first_ack_ns() == 1510);
  CHECK(timeline.first_down_ns() == 1002);
  CHECK(timeline.back_ns(0) == 1500);
  CHECK(timeline.back_ns(1) == 1600);
  CHECK(timeline.away_ns(1) == 598);
}

TEST_CASE("report: sections in JSON, lines in text") {
  Report report;
  report.text("mode", "x");
  report.count("ack/p50", 3);
  report.number("ack/p99", 1.23456);
  report.flag("good", true);
  CHECK(report.json() ==
        "{\n  \"mode\": \"x\",\n  \"ack\": {\n    \"p50\": 3,\n    \"p99\": 1.235\n"
        "  },\n  \"good\": true\n}");
  CHECK(report.lines().find("ack p50                           3\n") != std::string::npos);
}

TEST_CASE("usage of this process is not nothing, of a process that is gone nothing") {
  volatile double sum = 0;
  for (int i = 0; i < 60'000'000; ++i) sum = sum + 1;
  const Usage self = usage_of({std::to_string(getpid())});
  CHECK(self.cpu_s > 0.01);
  CHECK(std::abs(self.cpu_s - self.user_s - self.system_s) < 0.05);
  CHECK(self.resident_bytes > 1000000);
  CHECK(usage_of({"/no/such/file"}).resident_bytes == 0);
}

TEST_CASE("websocket: frames come off wherever they are cut, control frames are passed over") {
  std::string wanted;
  std::string framed;
  for (const std::size_t size : {5u, 125u, 126u, 65535u, 70000u}) {
    std::string header = WebSocket::header(size);
    header.resize(header.size() - 4);  // a broker masks nothing
    header[1] = static_cast<char>(header[1] & 0x7f);
    const std::string payload(size, static_cast<char>('a' + size % 26));
    framed += header + payload + "\x89\x02hi";
    wanted += payload;
  }
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, framed.size()}) {
    WebSocket socket;
    std::string got;
    for (std::size_t at = 0; at < framed.size(); at += piece) {
      std::string part = framed.substr(at, piece);
      got.append(part.data(), socket.unframe(part.data(), part.size()));
    }
    CHECK(got == wanted);
  }
}
