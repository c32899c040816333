// One session: what the records say about it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/delivery_queue.h"
#include "broker/core/origin.h"
#include "broker/core/records.h"

namespace tandemq::core {

struct FilterNode;
struct ShareGroup;

// A subscription as its session knows it; the other half is the Subscriber in `node` or `group`.
class SessionSubscription {
 public:
  const FilterNode& node() const { return *node_; }
  const ShareGroup* group() const { return group_; }  // null: not shared
  bool retained_owed() const { return retained_owed_; }

 private:
  friend class Subscriptions;
  SessionSubscription(FilterNode* node, ShareGroup* group, std::uint32_t index,
                      const SubscriptionFields& fields)
      : node_(node),
        group_(group),
        index_(index),
        retain_handling_(fields.retain_handling),
        retained_owed_(fields.retained_owed) {}

  FilterNode* node_;
  ShareGroup* group_;
  std::uint32_t index_;  // of the Subscriber
  std::uint8_t retain_handling_;
  bool retained_owed_;
};

// Sorted packet identifiers.
class PacketIdSet {
 public:
  bool contains(std::uint16_t id) const {
    if (ids_.empty() || ids_.back() < id) return false;  // who counts up
    return ids_.front() == id || std::binary_search(ids_.begin(), ids_.end(), id);
  }
  void insert(std::uint16_t id) {
    auto at = ids_.empty() || ids_.back() < id ? ids_.end()
                                               : std::lower_bound(ids_.begin(), ids_.end(), id);
    if (at == ids_.end() || *at != id) ids_.insert(at, id);
  }
  bool erase(std::uint16_t id) {
    const bool front = !ids_.empty() && ids_.front() == id;  // who releases in order
    auto at = front ? ids_.begin() : std::lower_bound(ids_.begin(), ids_.end(), id);
    if (at == ids_.end() || *at != id) return false;
    ids_.erase(at);
    return true;
  }
  const std::vector<std::uint16_t>& ids() const { return ids_; }

 private:
  std::vector<std::uint16_t> ids_;
};

// What is read together stands together: the life of the session first (a new reign and the
// schedule look at that alone), then what each message needs.
struct Session {
  SessionId id = kNoSession;
  std::uint8_t version = 4;
  bool connected = false;
  bool orphaned = false;
  bool keeps_qos0 = false;  // some that wait may be of QoS 0
  std::uint16_t keep_alive_s = 0;
  std::uint16_t next_packet_id = 1;
  std::uint32_t expiry_s = 0;
  TimeMs closed_at = 0;
  TimeMs queue_expiry_min = 0;  // no queued message expires before; 0: none does
  std::unique_ptr<const WillRecord> will;
  std::uint64_t queued_bytes = 0;  // of the deliveries in stage queued
  std::uint64_t next_sequence = 1;

  DeliveryQueue queue;
  SeatId seat = kNoSeat;
  std::uint64_t checked_by = 0;  // number of the record, checked last, that names it
  PacketIdSet inbound;

  std::vector<SessionSubscription> subscriptions;
  std::uint64_t hash = 0;  // of client_id
  std::string client_id;
  std::string username;
  std::string listener;

  bool is_v5() const { return version == 5; }
};

}  // namespace tandemq::core
