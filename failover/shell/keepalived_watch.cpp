#include "failover/shell/keepalived_watch.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

#include "broker/support/log.h"

namespace tandemq::failover {
namespace {

// Only looking for a start is polled; a death is an event.
constexpr std::uint64_t kLookMs = 50;

std::string comm_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

}  // namespace

KeepalivedWatch::KeepalivedWatch(event_base* base, std::string pid_file,
                                 std::function<void(bool)> changed)
    : base_(base),
      pid_file_(std::move(pid_file)),
      changed_(std::move(changed)),
      timer_(base, [this] { look(); }),
      reaper_(base, [this] { processes_.clear(); }) {}

void KeepalivedWatch::start() {
  look();
  timer_.every(kLookMs);
}

void KeepalivedWatch::look() {
  if (main_ != 0) return;
  std::ifstream file(pid_file_);
  pid_t pid = 0;
  if (!(file >> pid) || pid <= 1 || !comm_of(pid).starts_with("keepalived")) return;
  processes_.clear();
  auto watch = std::make_unique<ProcessWatch>(base_, [this] { died(); });
  if (!watch->watch(pid)) return;
  processes_.push_back(std::move(watch));
  main_ = pid;
  // The child that speaks VRRP comes a moment after its parent; without it nothing is running.
  if (!watch_children()) {
    main_ = 0;
    processes_.clear();
    return;
  }
  changed_(true);
}

void KeepalivedWatch::send(int signal) const {
  if (main_ == 0 || kill(main_, signal) == 0) return;
  log(LogLevel::error, "keepalived_not_signalled",
      {{"reason", std::strerror(errno)}, {"remedy", "the agent needs CAP_KILL"}});
}

bool KeepalivedWatch::watch_children() {
  const std::string pid = std::to_string(main_);
  std::ifstream file("/proc/" + pid + "/task/" + pid + "/children");
  for (pid_t child = 0; file >> child;) {
    auto watch = std::make_unique<ProcessWatch>(base_, [this] { died(); });
    if (watch->watch(child)) processes_.push_back(std::move(watch));
  }
  return processes_.size() > 1;
}

void KeepalivedWatch::died() {
  if (main_ == 0) return;
  main_ = 0;
  // The watch whose callback this is must outlive it.
  for (auto& process : processes_) process->forget();
  reaper_.once(0);
  changed_(false);
}

}  // namespace tandemq::failover
