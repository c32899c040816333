// Effects that wait for their record to be committed, first in, first out: their LSNs never
// decrease. Nearly each waits for the last record appended before it; one that could go earlier, as
// QoS 0 behind an older CONNACK, goes with what stands before it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "broker/core/effects.h"

namespace tandemq::broker {

class Outbox {
 public:
  void hold(core::Effect&& effect) {
    if (count_ > mask_ || ring_.empty()) grow();
    if (count_ != 0) effect.after = std::max(effect.after, last());
    bytes_ += footprint(effect);
    ring_[(head_ + count_) & mask_] = std::move(effect);
    ++count_;
  }

  // Calls take(effect) for those that may go at `committed`, in order. What it holds meanwhile
  // stays.
  template <class Take>
  void release(Lsn committed, Take take) {
    for (std::size_t left = count_; left > 0 && ring_[head_].after <= committed; --left) {
      core::Effect effect = std::move(ring_[head_]);
      bytes_ -= footprint(effect);
      head_ = (head_ + 1) & mask_;
      --count_;
      take(std::move(effect));
    }
    if (count_ == 0 && ring_.size() > kKept) drop_all();
  }

  void drop_all() {
    ring_ = {};
    head_ = mask_ = count_ = bytes_ = 0;
  }

  // What the youngest effect waits for. Only when not empty().
  Lsn last() const { return ring_[(head_ + count_ - 1) & mask_].after; }
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  std::size_t bytes() const { return bytes_; }  // approximate: a shared payload counts each time

 private:
  static constexpr std::size_t kKept = 1 << 16;  // effects; a larger ring is given back when empty

  static std::size_t footprint(const core::Effect& effect) {
    return sizeof(effect) + (effect.message ? effect.message->footprint() : 0);
  }
  void grow() {
    std::vector<core::Effect> larger(ring_.empty() ? 256 : 2 * ring_.size());
    for (std::size_t i = 0; i < count_; ++i) {
      larger[i] = std::move(ring_[(head_ + i) & mask_]);
    }
    ring_ = std::move(larger);
    head_ = 0;
    mask_ = ring_.size() - 1;
  }

  std::vector<core::Effect> ring_;  // size is 0 or a power of two
  std::size_t mask_ = 0;            // size - 1, or 0 without slots
  std::size_t head_ = 0;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tandemq::broker
