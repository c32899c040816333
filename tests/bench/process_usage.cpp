#include "tests/bench/process_usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace tandemq::bench {
namespace {

std::string process_number(const std::string& process) {
  if (process.find_first_not_of("0123456789") == std::string::npos) return process;
  std::ifstream file(process);
  std::string number;
  file >> number;
  return number;
}

// Nanoseconds on a processor, of all threads that live; 0 where the kernel does not tell.
std::uint64_t exact_cpu_ns(const std::string& number) {
  std::uint64_t sum = 0;
  std::error_code gone;
  for (const auto& thread :
       std::filesystem::directory_iterator("/proc/" + number + "/task", gone)) {
    std::ifstream file(thread.path() / "schedstat");
    std::uint64_t on_cpu_ns = 0;
    file >> on_cpu_ns;
    sum += on_cpu_ns;
  }
  return sum;
}

}  // namespace

Usage usage_of(const std::vector<std::string>& processes) {
  Usage sum;
  for (const std::string& process : processes) {
    const std::string number = process_number(process);
    std::ifstream file("/proc/" + number + "/stat");
    std::string line;
    if (!std::getline(file, line)) continue;
    // The name in parentheses may hold blanks; the state, field 3, follows it.
    std::istringstream fields(line.substr(line.rfind(')') + 1));
    std::string skipped;
    for (int field = 3; field < 14; ++field) fields >> skipped;
    std::uint64_t user = 0;
    std::uint64_t system = 0;
    fields >> user >> system;
    for (int field = 16; field < 24; ++field) fields >> skipped;
    std::uint64_t pages = 0;
    fields >> pages;
    const auto ticks_per_s = static_cast<double>(sysconf(_SC_CLK_TCK));
    const std::uint64_t exact_ns = exact_cpu_ns(number);
    sum.user_s += static_cast<double>(user) / ticks_per_s;
    sum.system_s += static_cast<double>(system) / ticks_per_s;
    sum.cpu_s += exact_ns ? static_cast<double>(exact_ns) / 1e9
                          : static_cast<double>(user + system) / ticks_per_s;
    sum.resident_bytes += pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  }
  return sum;
}

double own_cpu_s() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace tandemq::bench
