#include "failover/shell/processor_use.h"

#include <fstream>
#include <string>

namespace tandemq::failover {

std::optional<ProcessorUse> processor_use(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream stat(folder + "/stat"), schedstat(folder + "/schedstat");
  std::string line;
  ProcessorUse use;
  if (!std::getline(stat, line) || !(schedstat >> use.on_cpu_ns)) return std::nullopt;
  use.state = state_of(line);
  if (use.state == '?') return std::nullopt;
  return use;
}

char state_of(const std::string& stat) {
  const std::size_t name_end = stat.rfind(") ");  // the name may hold anything
  return name_end == std::string::npos || name_end + 2 >= stat.size() ? '?' : stat[name_end + 2];
}

bool starved(const ProcessorUse& before, const ProcessorUse& now, std::uint64_t elapsed_ms) {
  return now.state == 'R' && now.on_cpu_ns - before.on_cpu_ns < elapsed_ms * 1'000'000 / 2;
}

}  // namespace tandemq::failover
