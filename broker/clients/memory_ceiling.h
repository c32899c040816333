// How near the process is to limits.memory_max, and what that asks for. Pure: told what is in use,
// in bytes.
#pragma once

#include <cstdint>

namespace tandemq::broker {

enum class MemoryState : std::uint8_t {
  ample,
  tight,    // nothing new is taken on: publishers wait, new sessions and subscriptions are refused
  critical  // readers that do not read are sent away, publishers wait longer
};

constexpr const char* to_string(MemoryState state) {
  return state == MemoryState::ample ? "ample" : state == MemoryState::tight ? "tight" : "critical";
}

class MemoryCeiling {
 public:
  // 0: none, always ample.
  explicit MemoryCeiling(std::uint64_t max) : max_(max) {}

  // True when the state has changed.
  bool look(std::uint64_t used) {
    used_ = used;
    const MemoryState before = state_;
    state_ = judge();
    return state_ != before;
  }
  MemoryState state() const { return state_; }
  std::uint64_t used() const { return used_; }
  std::uint64_t max() const { return max_; }
  // To be freed until it is critical no more.
  std::uint64_t excess() const {
    const std::uint64_t enough = part(kCriticalEnds);
    return state_ == MemoryState::critical && used_ > enough ? used_ - enough : 0;
  }

 private:
  // Percent. Each state begins above where it ends, so that it does not come and go.
  static constexpr unsigned kTightBegins = 80, kTightEnds = 75;
  static constexpr unsigned kCriticalBegins = 95, kCriticalEnds = 90;

  std::uint64_t part(unsigned percent) const { return max_ / 100 * percent; }
  MemoryState judge() const {
    if (max_ == 0) return MemoryState::ample;
    const bool was_critical = state_ == MemoryState::critical;
    if (used_ >= part(was_critical ? kCriticalEnds : kCriticalBegins)) return MemoryState::critical;
    const bool was_tight = state_ != MemoryState::ample;
    if (used_ >= part(was_tight ? kTightEnds : kTightBegins)) return MemoryState::tight;
    return MemoryState::ample;
  }

  std::uint64_t max_;
  std::uint64_t used_ = 0;
  MemoryState state_ = MemoryState::ample;
};

}  // namespace tandemq::broker
