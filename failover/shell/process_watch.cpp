#include "failover/shell/process_watch.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace tandemq::failover {

ProcessWatch::ProcessWatch(event_base* base, std::function<void()> died)
    : base_(base), died_(std::move(died)) {}

bool ProcessWatch::watch(pid_t pid) {
  forget();
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return false;
  fd_.reset(fd);
  pid_ = pid;
  event_ = std::make_unique<Readable>(base_, fd, [this] { ready(); });
  return true;
}

void ProcessWatch::forget() {
  event_.reset();
  fd_.reset();
  pid_ = 0;
}

bool ProcessWatch::kill() {
  return fd_ && syscall(SYS_pidfd_send_signal, fd_.get(), SIGKILL, nullptr, 0) == 0;
}

void ProcessWatch::ready() {
  forget();
  died_();
}

}  // namespace tandemq::failover
