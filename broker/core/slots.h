// Numbers from 1 for things that come and go, for those who keep something beside them in an
// array. The one given back last is given out first, so the numbers stay small.
#pragma once

#include <cstdint>
#include <vector>

namespace tandemq::core {

class Slots {
 public:
  std::uint32_t take() {
    if (free_.empty()) return ++last_;
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  void give_back(std::uint32_t slot) { free_.push_back(slot); }

 private:
  std::uint32_t last_ = 0;
  std::vector<std::uint32_t> free_;
};

}  // namespace tandemq::core
