// pubsub and fanout: steady traffic, its throughput, latencies and cost.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/mode.h"

namespace tandemq::bench {

struct TrafficOptions {
  CommonOptions common;
  bool fanout = false;  // every subscriber gets every message
  std::uint32_t publishers = 1;
  std::uint32_t subscribers = 1;
  int qos = 0;
  std::size_t payload = 64;
  std::uint32_t window = 0;  // unacknowledged messages of a publisher; 0: 64
  std::uint32_t lag = 0;     // messages of a publisher not yet delivered; 0: chosen by mode
  double seconds = 5;        // measured
  double warm_up_s = 0.5;
  std::uint64_t messages = 0;  // instead of seconds
  double rate = 0;             // in all, per second; 0: as fast as it goes
  bool persistent = false;
};

Result<Outcome> run_traffic(const TrafficOptions& options);

}  // namespace tandemq::bench
