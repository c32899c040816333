// One session: what the records say about it, its link to a connection (primary only), and scratch
// space of the publish that is being decided.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/delivery_queue.h"
#include "broker/core/grants.h"
#include "broker/core/records.h"

namespace tandemq::core {

struct FilterNode;
struct ShareGroup;

// A subscription as its session knows it; the other half is the Subscriber in `node` or `group`.
struct SessionSubscription {
  FilterNode* node = nullptr;
  ShareGroup* group = nullptr;  // null: not shared
  std::uint32_t index = 0;      // of the Subscriber
  std::uint8_t retain_handling = 0;
};

// Sorted packet identifiers.
class PacketIdSet {
 public:
  bool contains(std::uint16_t id) const { return std::binary_search(ids_.begin(), ids_.end(), id); }
  void insert(std::uint16_t id) {
    auto at = ids_.empty() || ids_.back() < id ? ids_.end()
                                               : std::lower_bound(ids_.begin(), ids_.end(), id);
    if (at == ids_.end() || *at != id) ids_.insert(at, id);
  }
  bool erase(std::uint16_t id) {
    auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
    if (at == ids_.end() || *at != id) return false;
    ids_.erase(at);
    return true;
  }
  const std::vector<std::uint16_t>& ids() const { return ids_; }

 private:
  std::vector<std::uint16_t> ids_;
};

// The connection that a session has at present: volatile, on the primary only.
struct Attachment {
  ConnId conn = 0;                        // 0: none
  Lsn connack_after = 0;                  // nothing may overtake the CONNACK
  std::uint32_t maximum_packet_size = 0;  // of the client; 0: no limit
  std::uint32_t resend_left = 0;          // deliveries in flight not yet sent again
  std::uint16_t window = 0;               // deliveries in flight at most
  std::uint16_t inbound_unreleased = 0;   // QoS 2 PUBLISHes taken on this connection without PUBREL
  bool closing = false;                   // told to go: its commands count no more
  std::unique_ptr<std::vector<std::string>> aliases;  // topic by alias - 1
};

// What one publish has planned for a session so far; valid while `serial` is that publish's.
struct PlanScratch {
  std::uint64_t serial = 0;
  std::uint32_t route = ~0u;  // index of its route for ordinary subscriptions
  std::uint32_t queued = 0;
  std::uint16_t in_flight = 0;
  std::uint16_t next_packet_id = 0;
};

// What is read together stands together: the life of the session first (a new reign and the
// schedule look at that alone), then what each message needs.
struct Session {
  SessionId id = kNoSession;
  std::uint8_t version = 4;
  bool connected = false;
  bool orphaned = false;
  std::uint16_t keep_alive_s = 0;
  std::uint16_t next_packet_id = 1;
  std::uint32_t expiry_s = 0;
  TimeMs closed_at = 0;
  TimeMs queue_expiry_min = 0;  // no queued message expires before; 0: none does
  TimeMs scheduled_at = 0;      // of the entry in State's schedule that counts; 0: none
  std::unique_ptr<WillRecord> will;
  std::uint64_t queued_bytes = 0;  // of the deliveries in stage queued
  std::uint64_t next_sequence = 1;

  Attachment link;
  DeliveryQueue queue;
  mutable PlanScratch plan;
  mutable HeldGrants held;  // primary only, as is `link`; survives the connection
  PacketIdSet inbound;

  std::vector<SessionSubscription> subscriptions;
  std::uint64_t hash = 0;  // of client_id
  std::string client_id;
  std::string username;

  bool is_v5() const { return version == 5; }
  // Deliveries that count against the window on the present connection.
  std::size_t outstanding() const { return queue.inflight() - link.resend_left; }
};

}  // namespace tandemq::core
