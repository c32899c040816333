// offline: messages kept for somebody who is not there, what keeping and handing them over costs,
// and whether they are still there after what --between does to the broker.
#pragma once

#include <cstdint>
#include <string>

#include "tests/bench/mode.h"

namespace tandemq::bench {

struct OfflineOptions {
  CommonOptions common;
  bool retained = false;  // for a new subscriber, each on a topic of its own; else queued
  std::uint64_t messages = 5000;
  int qos = 1;
  std::size_t payload = 64;
  std::uint32_t publishers = 4;
  std::uint32_t window = 64;
  std::string between;   // shell command between publishing and collecting
  double return_s = 30;  // at most, until the subscriber is connected again
  bool keep = false;     // do not remove what was retained
};

Result<Outcome> run_offline(const OfflineOptions& options);

}  // namespace tandemq::bench
