#include "broker/core/delivery_queue.h"

#include <algorithm>

namespace tandemq::core {

namespace {

constexpr std::uint32_t kFirstCapacity = 4;
constexpr std::uint32_t kKeptCapacity = 32;   // of an empty queue that was in use before
constexpr std::uint32_t kBusyCapacity = 256;  // of one that fills and empties again and again

// Steps from identifier `from` to identifier `to`.
std::uint32_t distance(std::uint16_t from, std::uint16_t to) {
  return to >= from ? std::uint32_t{to} - from : std::uint32_t{to} + 65535u - from;
}

}  // namespace

void DeliveryQueue::grow() {
  const std::uint32_t wanted = slots_ ? (mask_ + 1) * 2 : kFirstCapacity;
  auto bigger = std::make_unique<Delivery[]>(wanted);
  for (std::uint32_t i = 0; i < size_; ++i) bigger[i] = std::move((*this)[i]);
  slots_ = std::move(bigger);
  head_ = 0;
  mask_ = wanted - 1;
}

// An empty queue gives its slots back: few are kept always, some if they were in use just now.
void DeliveryQueue::shrink() {
  if (size_ != 0) return;
  const std::uint32_t capacity = mask_ + 1;
  const bool used = capacity <= kBusyCapacity && most_ > capacity / 4;
  most_ = 0;
  if (capacity <= kKeptCapacity || used) return;
  slots_.reset();
  head_ = mask_ = 0;
}

Delivery& DeliveryQueue::push() {
  if (size_ > mask_ || !slots_) grow();
  most_ = std::max(most_, size_ + 1);
  return (*this)[size_++];
}

Delivery& DeliveryQueue::begin_flight(std::uint16_t packet_id) {
  Delivery& delivery = (*this)[inflight_];
  delivery.packet_id = packet_id;
  delivery.stage = DeliveryStage::sent;
  if (inflight_ == 0) {
    in_order_ = true;
  } else {
    const std::uint16_t front = (*this)[0].packet_id;
    const std::uint16_t back = (*this)[inflight_ - 1].packet_id;
    if (distance(front, packet_id) <= distance(front, back)) in_order_ = false;
  }
  ++inflight_;
  return delivery;
}

std::size_t DeliveryQueue::find_behind_front(std::uint16_t packet_id) const {
  if (!in_order_) {
    for (std::size_t i = 0; i < inflight_; ++i)
      if ((*this)[i].packet_id == packet_id) return i;
    return kNone;
  }
  // An identifier stands at most its distance from the front away, and exactly there as long as
  // nothing in between was acknowledged.
  const std::uint16_t front = (*this)[0].packet_id;
  const std::uint32_t wanted = distance(front, packet_id);
  if (wanted > distance(front, (*this)[inflight_ - 1].packet_id)) return kNone;
  std::size_t high = std::min<std::size_t>(wanted, inflight_ - 1);
  if ((*this)[high].packet_id == packet_id) return high;
  std::size_t low = 0;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (distance(front, (*this)[middle].packet_id) < wanted)
      low = middle + 1;
    else
      high = middle;
  }
  return (*this)[low].packet_id == packet_id ? low : kNone;
}

std::uint16_t DeliveryQueue::free_id(std::uint16_t start) const {
  while (find(start) != kNone) start = next_packet_id(start);
  return start;
}

std::size_t DeliveryQueue::lower_bound(std::uint64_t sequence) const {
  std::size_t low = 0, high = size_;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if ((*this)[middle].sequence < sequence)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void DeliveryQueue::erase(std::size_t i) {
  if (i < inflight_) --inflight_;
  if (i < size_ / 2 || i == 0) {
    for (; i > 0; --i) (*this)[i] = std::move((*this)[i - 1]);
    (*this)[0] = {};
    head_ = (head_ + 1) & mask_;
  } else {
    for (; i + 1 < size_; ++i) (*this)[i] = std::move((*this)[i + 1]);
    (*this)[size_ - 1] = {};
  }
  --size_;
  shrink();
}

}  // namespace tandemq::core
