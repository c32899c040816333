// Counts of durations in fixed buckets, as Prometheus wants them. Plain data: the loop observes,
// and copies it for the metrics endpoint.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tandemq::broker {

struct Histogram {
  // Upper bounds in microseconds; the last bucket has none.
  static constexpr std::array<std::uint32_t, 13> kBoundsUs = {
      20, 50, 100, 200, 500, 1'000, 2'000, 5'000, 10'000, 50'000, 100'000, 500'000, 1'000'000};

  void observe_ns(std::uint64_t ns) {
    std::size_t bucket = 0;
    while (bucket < kBoundsUs.size() && ns > std::uint64_t{kBoundsUs[bucket]} * 1000) ++bucket;
    ++counts[bucket];
    sum_ns += ns;
  }

  std::array<std::uint64_t, kBoundsUs.size() + 1> counts{};  // not cumulative
  std::uint64_t sum_ns = 0;
};

}  // namespace tandemq::broker
