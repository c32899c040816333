#include "failover/shell/process_watch.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "failover/shell/processor_use.h"

namespace tandemq::failover {

ProcessId identify(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(stat, line)) return {};
  // Field 22 of proc(5); the state, behind the name that may hold anything, is the third.
  std::istringstream fields(line.substr(std::min(line.rfind(") ") + 2, line.size())));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  ProcessId id{pid, 0};
  return fields >> id.started ? id : ProcessId{};
}

ProcessWatch::ProcessWatch(event_base* base, std::function<void()> died)
    : base_(base), died_(std::move(died)) {}

bool ProcessWatch::watch(pid_t pid) {
  forget();
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return false;
  fd_.reset(fd);
  id_ = identify(pid);
  killed_ = false;
  event_ = std::make_unique<Readable>(base_, fd, [this] { ready(); });
  return true;
}

void ProcessWatch::forget() {
  event_.reset();
  fd_.reset();
  id_ = {};
  killed_ = false;
}

bool ProcessWatch::kill() {
  const bool sent = fd_ && syscall(SYS_pidfd_send_signal, fd_.get(), SIGKILL, nullptr, 0) == 0;
  killed_ |= sent;
  return sent;
}

bool ProcessWatch::is_spent() const {
  return killed_ && threads_stand_still(id_.pid);
}

bool threads_stand_still(pid_t pid) {
  std::error_code error;
  bool seen = false;
  std::filesystem::directory_iterator threads("/proc/" + std::to_string(pid) + "/task", error);
  for (; !error && threads != std::filesystem::directory_iterator(); threads.increment(error)) {
    std::ifstream stat(threads->path() / "stat");
    std::string line;
    if (!std::getline(stat, line)) continue;  // it is gone since the folder was read
    const char state = state_of(line);
    if (state != 'D' && state != 'Z' && state != 'X') return false;
    seen = true;
  }
  return !error && seen;
}

void ProcessWatch::ready() {
  forget();
  died_();
}

}  // namespace tandemq::failover
