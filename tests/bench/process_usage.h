// CPU time and memory of other processes, from /proc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tandemq::bench {

struct Usage {
  // User and system are told in ticks of 10 ms; the whole is exact where the kernel keeps it.
  double cpu_s = 0;
  double user_s = 0;
  double system_s = 0;
  std::uint64_t resident_bytes = 0;
};

// Sum over the processes. Each is a process number or a file that holds one, read anew each time,
// so that a restarted broker is found. One that is gone counts as nothing.
Usage usage_of(const std::vector<std::string>& processes);

// CPU seconds of this process so far.
double own_cpu_s();

}  // namespace tandemq::bench
