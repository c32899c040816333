// Deliveries of one session in order: first those in flight (sent or received), then those that
// wait. A ring that allocates nothing while empty.
#pragma once

#include <cstdint>
#include <memory>

#include "broker/core/effects.h"
#include "broker/core/message.h"
#include "broker/core/rows.h"

namespace tandemq::core {

struct Delivery {
  MessageRef message;  // null in stage received
  std::uint64_t sequence = 0;
  DetailRef detail;  // subscription identifiers; null: none
  std::uint16_t packet_id = 0;
  DeliveryStage stage = DeliveryStage::queued;
  std::uint8_t qos = 0;
  bool retain = false;
};

// Identifiers run 1 to 65535 and around.
constexpr std::uint16_t next_packet_id(std::uint16_t id) {
  return id == 65535 ? std::uint16_t{1} : static_cast<std::uint16_t>(id + 1);
}

class DeliveryQueue {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};

  std::size_t size() const { return size_; }
  std::size_t inflight() const { return inflight_; }
  std::size_t queued() const { return size_ - inflight_; }

  Delivery& operator[](std::size_t i) { return slots_[(head_ + i) & mask_]; }
  const Delivery& operator[](std::size_t i) const { return slots_[(head_ + i) & mask_]; }

  // Appends an empty delivery in stage queued.
  Delivery& push();
  // The oldest queued delivery goes in flight under `packet_id`.
  Delivery& begin_flight(std::uint16_t packet_id);

  // Index of the delivery in flight with this identifier, or kNone.
  std::size_t find(std::uint16_t packet_id) const {
    if (inflight_ == 0) return kNone;
    if ((*this)[0].packet_id == packet_id) return 0;  // who acknowledges in order
    return find_behind_front(packet_id);
  }
  // The first identifier from `start` on (cyclic) that is not in use.
  std::uint16_t free_id(std::uint16_t start) const;
  // Index of the first delivery with at least this sequence number; size() when there is none.
  std::size_t lower_bound(std::uint64_t sequence) const;

  void erase(std::size_t i);
  // Keeps of the queued deliveries those for which `keep(delivery)` holds.
  template <class Keep>
  void filter_queued(Keep&& keep) {
    std::size_t to = inflight_;
    for (std::size_t from = inflight_; from < size_; ++from) {
      Delivery& delivery = (*this)[from];
      if (!keep(delivery)) continue;
      if (to != from) (*this)[to] = std::move(delivery);
      ++to;
    }
    while (size_ > to) (*this)[--size_] = {};
    shrink();
  }

 private:
  std::size_t find_behind_front(std::uint16_t packet_id) const;
  void grow();
  void shrink();

  std::unique_ptr<Delivery[]> slots_;
  std::uint32_t head_ = 0;
  std::uint32_t mask_ = 0;  // capacity - 1, or 0 without slots
  std::uint32_t size_ = 0;
  std::uint32_t inflight_ = 0;
  std::uint32_t most_ = 0;  // deliveries at once since it was last empty
  // Identifiers of what is in flight grow from front to back (cyclic). False after one has been
  // left unacknowledged for a whole turn of the identifiers: then find() is linear.
  bool in_order_ = true;
};

}  // namespace tandemq::core
