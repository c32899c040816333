// Is keepalived alive? Watches the process of its pid file and that process's children (the one
// that holds the addresses is a child) by descriptor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "failover/shell/loop.h"
#include "failover/shell/process_watch.h"

namespace tandemq::failover {

class KeepalivedWatch {
 public:
  // `changed(true)` when it is found running, `changed(false)` when any of its processes died.
  KeepalivedWatch(event_base* base, std::string pid_file, std::function<void(bool)> changed);

  void start();
  pid_t pid() const { return main_; }
  void send(int signal) const;

 private:
  void look();
  bool watch_children();
  void died();

  event_base* base_;
  std::string pid_file_;
  std::function<void(bool)> changed_;
  Timer timer_;
  Timer reaper_;
  pid_t main_ = 0;  // 0: not running
  std::vector<std::unique_ptr<ProcessWatch>> processes_;
};

}  // namespace tandemq::failover
