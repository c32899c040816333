// A token bucket, as the time at which it is full again. It holds what one second brings. What is
// taken may be more than is there: then the next waits longer.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tandemq {

class TokenBucket {
 public:
  // Times on any clock that does not run backwards.
  bool empty(std::uint64_t now_ns) const { return full_at_ns_ >= now_ns + kHoldsNs; }
  // `per_second`: what it is filled with, above 0.
  void take(std::uint64_t tokens, std::uint64_t per_second, std::uint64_t now_ns) {
    full_at_ns_ = std::max(full_at_ns_, now_ns) + tokens * kHoldsNs / per_second;
  }

 private:
  static constexpr std::uint64_t kHoldsNs = 1'000'000'000;
  std::uint64_t full_at_ns_ = 0;
};

}  // namespace tandemq
