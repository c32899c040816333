// Latencies in buckets of about 1.6 %: counts from nanoseconds to hours in a few kilobytes.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace tandemq::bench {

class Histogram {
 public:
  void add(std::uint64_t value) {
    ++counts_[index_of(value)];
    ++count_;
    max_ = std::max(max_, value);
  }
  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }

  // Upper edge of the bucket in which the share `quantile` of all values is reached; 0 if empty.
  std::uint64_t at(double quantile) const {
    const auto wanted = static_cast<std::uint64_t>(quantile * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > wanted || (seen == count_ && seen != 0)) return std::min(edge_of(i), max_);
    }
    return 0;
  }

 private:
  static constexpr unsigned sub_bits = 6;

  static std::size_t index_of(std::uint64_t value) {
    if (value < (1u << sub_bits)) return static_cast<std::size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - sub_bits - 1;
    return (std::size_t{shift} + 1) << sub_bits |
           (static_cast<std::size_t>(value >> shift) & ((1u << sub_bits) - 1));
  }
  static std::uint64_t edge_of(std::size_t index) {
    const std::size_t group = index >> sub_bits;
    if (group == 0) return index;
    const std::uint64_t low = (index & ((1u << sub_bits) - 1)) | 1u << sub_bits;
    return ((low + 1) << (group - 1)) - 1;
  }

  std::array<std::uint64_t, (64 - sub_bits + 1) << sub_bits> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace tandemq::bench
