// What the kernel tells about a process's main thread: whether it wants a processor and whether it
// got one. A broker that the host leaves without is not hung.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace tandemq::failover {

struct ProcessorUse {
  char state = '?';             // as in proc(5): R runnable, S asleep, D disk, T stopped
  std::uint64_t on_cpu_ns = 0;  // that it has run for, in all
};

// Nothing when the process is gone or the kernel keeps no such account.
std::optional<ProcessorUse> processor_use(pid_t pid);

// The state in a line of /proc/PID/stat, '?' when it is none.
char state_of(const std::string& stat);

// It wants to run, and has run for less than half of the `elapsed_ms` between the two.
bool starved(const ProcessorUse& before, const ProcessorUse& now, std::uint64_t elapsed_ms);

}  // namespace tandemq::failover
