// Watches a process by descriptor (pidfd): its death is an event, and a signal sent through the
// descriptor cannot hit another process that got the same number.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "failover/shell/loop.h"

namespace tandemq::failover {

// Of one process for ever: numbers are given again, but not with the same time of start.
struct ProcessId {
  pid_t pid = 0;              // 0: none
  std::uint64_t started = 0;  // in clock ticks after the host's start
  bool operator==(const ProcessId&) const = default;
};
// Of the process that has the number now; pid 0 when there is none.
ProcessId identify(pid_t pid);

class ProcessWatch {
 public:
  ProcessWatch(event_base* base, std::function<void()> died);

  // Starts to watch `pid`; false when there is no such process. Forgets the one before.
  bool watch(pid_t pid);
  void forget();
  bool watching() const { return static_cast<bool>(fd_); }
  pid_t pid() const { return id_.pid; }
  ProcessId id() const { return id_; }
  // SIGKILL. False when the process is gone or may not be signalled (errno says).
  bool kill();
  // Killed by kill(), and runs no instruction of its own any more although the kernel may still
  // hold it (docs/decisions/stalled-disk.md).
  bool is_spent() const;

 private:
  void ready();

  event_base* base_;
  std::function<void()> died_;
  Fd fd_;
  std::unique_ptr<Readable> event_;
  ProcessId id_;
  bool killed_ = false;
};

// Every thread of the process is dead or in uninterruptible sleep, and there is one to be seen.
bool threads_stand_still(pid_t pid);

}  // namespace tandemq::failover
