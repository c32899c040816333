// What /proc says of the three daemons.
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "failover/ctl/gather.h"
#include "failover/doctor/findings.h"

namespace tandemq::failover {
namespace {

// Behind a word in a file of lines, as "Max open files   1024 4096 files".
std::uint64_t number_behind(const std::string& path, const std::string& words) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(words)) continue;
    std::istringstream rest(line.substr(words.size()));
    std::uint64_t value = 0;
    rest >> value;
    return value;
  }
  return 0;
}

// The 22nd word of its stat, in ticks after the host's start; the second may have spaces in it.
std::int64_t age_s(const std::string& folder) {
  std::ifstream file(folder + "/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream rest(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::string word;
  for (int i = 3; i < 22; ++i) rest >> word;
  std::int64_t ticks = 0;
  rest >> ticks;
  timespec up{};
  clock_gettime(CLOCK_BOOTTIME, &up);
  return up.tv_sec - ticks / sysconf(_SC_CLK_TCK);
}

std::optional<doctor::Process> look_at(std::int64_t pid, std::int64_t now_s) {
  if (pid <= 0) return std::nullopt;
  const std::string folder = "/proc/" + std::to_string(pid);
  std::error_code error;
  if (!std::filesystem::exists(folder, error)) return std::nullopt;
  doctor::Process out;
  out.pid = static_cast<int>(pid);
  out.started_s = now_s - age_s(folder);
  out.replaced =
      std::filesystem::read_symlink(folder + "/exe", error).string().ends_with(" (deleted)");
  out.files_most = number_behind(folder + "/limits", "Max open files");
  std::filesystem::directory_iterator files(folder + "/fd", error);
  if (!error) out.files_open = static_cast<std::uint64_t>(std::distance(begin(files), end(files)));
  out.swapped_kib = number_behind(folder + "/status", "VmSwap:");
  return out;
}

}  // namespace

void gather_processes(doctor::Facts& f) {
  const nlohmann::json agent = doctor::agent_of(f);
  f.agent_process = look_at(doctor::count(agent, "pid"), f.now_s);
  f.broker_process = look_at(doctor::count(f.broker, "pid"), f.now_s);
  f.keepalived_process = look_at(doctor::count(agent, "keepalived_pid"), f.now_s);
  f.memory_kib = number_behind("/proc/meminfo", "MemTotal:");
  f.memory_free_kib = number_behind("/proc/meminfo", "MemAvailable:");
}

}  // namespace tandemq::failover
