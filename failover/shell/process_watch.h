// Watches a process by descriptor (pidfd): its death is an event, and a signal sent through the
// descriptor cannot hit another process that got the same number.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>

#include "failover/shell/loop.h"

namespace tandemq::failover {

class ProcessWatch {
 public:
  ProcessWatch(event_base* base, std::function<void()> died);

  // Starts to watch `pid`; false when there is no such process. Forgets the one before.
  bool watch(pid_t pid);
  void forget();
  bool watching() const { return static_cast<bool>(fd_); }
  pid_t pid() const { return pid_; }
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
  pid_t pid_ = 0;
  bool killed_ = false;
};

// Every thread of the process is dead or in uninterruptible sleep, and there is one to be seen.
bool threads_stand_still(pid_t pid);

}  // namespace tandemq::failover
