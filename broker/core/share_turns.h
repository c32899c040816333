// Whose turn it is in each share group. The choice itself is in the record; a new reign begins
// anywhere.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/core/subscriptions.h"

namespace tandemq::core {

class ShareTurns {
 public:
  // Index of the member that is asked first.
  std::uint32_t& of(const ShareGroup& group) {
    if (group.slot >= turns_.size()) turns_.resize(group.slot + 1);
    return turns_[group.slot];
  }

 private:
  std::vector<std::uint32_t> turns_;
};

}  // namespace tandemq::core
