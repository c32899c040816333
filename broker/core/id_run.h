// Packet identifiers that one record names one after another run forward, from the first once
// around at most: none comes twice.
#pragma once

#include <cstdint>

namespace tandemq::core {

class IdRun {
 public:
  // False, and the run is as it was, when `id` cannot be the next one.
  bool take(std::uint16_t id) {
    if (id == 0) return false;
    if (first_ == 0) return first_ = id, true;
    const std::uint32_t step = id > first_ ? id - first_ : 65535u + id - first_;
    if (id == first_ || step <= step_) return false;
    step_ = step;
    return true;
  }

 private:
  std::uint32_t first_ = 0;
  std::uint32_t step_ = 0;
};

}  // namespace tandemq::core
