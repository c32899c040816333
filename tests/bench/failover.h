// failover: numbered messages through a change of primary, and a verdict on every one of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/delivery_check.h"
#include "tests/bench/mode.h"
#include "tests/bench/timeline.h"

namespace tandemq::bench {

struct FailoverOptions {
  CommonOptions common;
  std::uint32_t publishers = 50;
  std::uint32_t subscribers = 50;
  std::string qos = "mixed";  // 1, 2, or both in turn
  std::size_t payload = 64;
  std::uint32_t window = 64;
  double rate = 5000;       // in all
  std::uint64_t burst = 1;  // messages sent at once
  double seconds = 10;
  double drain_s = 30;  // at most, for what is still on its way at the end
  std::uint32_t retry_ms = 10;
  std::uint32_t connect_timeout_ms = 50;    // of TCP: a dead host does not answer
  std::uint32_t connack_timeout_ms = 2000;  // of an accepted connection
  std::uint32_t ping_after_ms = 100;        // of silence
  std::uint32_t ping_timeout_ms = 200;      // then the connection counts as dead
  std::string kill_at;                      // seconds after the start, or "random"; empty: never
  std::string kill_command;
  int port_after_kill = 0;  // of the broker that takes over; 0: the same
  bool wills = false;
  std::uint32_t will_delay_s = 2;
};

// What a run of failover has found, for the report.
struct FailoverResult {
  FailoverOptions options;
  Timeline timeline;
  Histogram acknowledgement;
  DeliveryCheck::Verdict verdict;
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t unacknowledged = 0;  // at the end of the drain
  std::uint64_t sessions_lost = 0;   // resumed, but the broker knew nothing of them
  std::uint64_t sessions_back = 0;   // connected at the end
  std::uint64_t failed_attempts = 0;
  std::uint64_t false_wills = 0;
  int kill_status = 0;  // exit code of the command
};

Result<Outcome> run_failover(const FailoverOptions& options);

Outcome report_failover(const FailoverResult& result);

}  // namespace tandemq::bench
