// connect: how fast connections are accepted, and what idle ones cost.
#pragma once

#include <cstdint>

#include "tests/bench/mode.h"

namespace tandemq::bench {

struct ConnectionsOptions {
  CommonOptions common;
  std::uint32_t count = 1000;
  bool persistent = false;  // with one subscription each
  double idle_s = 1;        // before the memory is read
};

Result<Outcome> run_connections(const ConnectionsOptions& options);

}  // namespace tandemq::bench
