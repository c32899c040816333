// Many seeds, dealt to a process per core. Nothing is shared between two runs but what is counted.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/faults.h"

namespace tandemq::sim {

struct SeedsConfig {
  RunConfig run;  // of each; its seed is set
  std::uint64_t first = 1;
  std::uint64_t last = 200;
  unsigned minutes = 0;           // not 0: from a seed that depends on the time, for so long
  unsigned jobs = 0;              // 0: one for each core
  bool expect_violation = false;  // the exit code is turned round; ends with the first one
  std::string replay;             // options that a replay needs
};

// Tells each seed that failed as soon as it has, then the sums. The exit code of the program.
int run_seeds(const SeedsConfig& config);

}  // namespace tandemq::sim
