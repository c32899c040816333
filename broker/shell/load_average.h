// How much a counter grows a minute, in the mean of the last 1, 5 and 15 minutes (older growth
// counts exponentially less, as in a system's load average).
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

namespace tandemq::broker {

class LoadAverage {
 public:
  static constexpr std::array<int, 3> kMinutes{1, 5, 15};

  // The counter stands at `count`, `seconds` after the last call.
  void add(std::uint64_t count, double seconds) {
    const double rate = static_cast<double>(count - count_) * 60 / seconds;
    count_ = count;
    for (std::size_t i = 0; i < kMinutes.size(); ++i)
      means_[i] = rate + std::exp(-seconds / (60 * kMinutes[i])) * (means_[i] - rate);
  }
  const std::array<double, 3>& means() const { return means_; }

 private:
  std::uint64_t count_ = 0;
  std::array<double, 3> means_{};
};

}  // namespace tandemq::broker
