// What one life of the agent leaves to the next (failover/core/memory.h), in a file of the run
// folder: it outlives the process and ends with the host's power, as the processes that it tells of
// do. Written on the loop, so it must not be on a disk (docs/decisions/agent-memory.md).
#pragma once

#include <string>

#include "failover/core/memory.h"
#include "failover/shell/process_watch.h"

namespace tandemq::failover {

struct Remembered {
  Memory memory;
  ProcessId broker;  // its process, when it lived
};

class MemoryFile {
 public:
  explicit MemoryFile(std::string path) : path_(std::move(path)) {}

  // What was kept last; nothing when there is no file, or a damaged one.
  Remembered read();
  // Writes when it differs from what was kept or read last. A file that cannot be written is
  // removed: no memory is better than an old one.
  void keep(const Remembered& now);

 private:
  bool write(const Remembered& now) const;

  std::string path_;
  Remembered kept_;
  bool failed_ = false;
};

}  // namespace tandemq::failover
