// What the replicator told last; what has changed by it goes into the log and is counted.
#pragma once

#include <cstdint>

#include "replicator/core/types.h"

namespace tandemq::broker {

class StatusLog {
 public:
  explicit StatusLog(std::uint64_t now_ns) : changed_ns_(now_ns) {}

  void look(const repl::ReplicaStatus& status, std::uint64_t now_ns);

  const repl::ReplicaStatus& last() const { return last_; }
  std::uint64_t changed_ns() const { return changed_ns_; }  // role or pair state, monotonic
  std::uint64_t role_changes() const { return role_changes_; }
  std::uint64_t pair_state_changes() const { return pair_state_changes_; }

 private:
  repl::ReplicaStatus last_;
  std::uint64_t changed_ns_;
  std::uint64_t role_changes_ = 0, pair_state_changes_ = 0;
};

}  // namespace tandemq::broker
