#include "tests/bench/delivery_check.h"

#include <algorithm>

namespace tandemq::bench {

std::size_t DeliveryCheck::add_stream(std::size_t source, int qos) {
  streams_.push_back({source, qos, {}, 0});
  return streams_.size() - 1;
}

bool DeliveryCheck::set(std::vector<bool>& bits, std::uint64_t index) {
  if (index >= bits.size()) bits.resize(static_cast<std::size_t>(index) + 1);
  if (bits[static_cast<std::size_t>(index)]) return false;
  bits[static_cast<std::size_t>(index)] = true;
  return true;
}

void DeliveryCheck::acknowledged(std::size_t source, std::uint64_t sequence) {
  set(acknowledged_[source], sequence);
}

void DeliveryCheck::delivered(std::size_t stream_number, std::uint64_t sequence) {
  Stream& stream = streams_[stream_number];
  if (!set(stream.seen, sequence)) {
    // A second delivery is allowed at QoS 1, and then says nothing about the order.
    ++(stream.qos == 2 ? counts_.qos2_duplicates : counts_.qos1_duplicates);
    return;
  }
  ++counts_.delivered;
  if (sequence < stream.next) ++counts_.order_violations;
  stream.next = std::max(stream.next, sequence + 1);
}

DeliveryCheck::Verdict DeliveryCheck::verdict() const {
  Verdict verdict = counts_;
  for (const Stream& stream : streams_) {
    const std::vector<bool>& expected = acknowledged_[stream.source];
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (expected[i] && (i >= stream.seen.size() || !stream.seen[i])) ++verdict.lost;
    }
  }
  return verdict;
}

}  // namespace tandemq::bench
