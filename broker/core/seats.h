// What the primary keeps beside each session while it reigns: its client's connection, when it has
// to be looked at, scratch of the publish that is being decided. Nothing of this is in the state: a
// new reign begins without.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/grants.h"
#include "broker/core/origin.h"
#include "broker/core/session.h"

namespace tandemq::core {

// The connection that a session has at present.
struct Attachment {
  ConnId conn = 0;        // 0: none
  Lsn at_once_after = 0;  // of its CONNACK, and of QoS 0 that waits: neither is overtaken
  std::uint32_t maximum_packet_size = 0;  // of the client; 0: no limit
  std::uint16_t window = 0;               // deliveries in flight at most
  std::uint16_t inbound_unreleased = 0;   // QoS 2 PUBLISHes taken on this connection without PUBREL
  bool closing = false;                   // told to go: its commands count no more
  // What was in flight before this connection came and is to be sent again: deliveries in stage
  // sent with a sequence number in [resend_from, resend_end), in order.
  std::uint32_t resend_left = 0;
  std::uint64_t resend_from = 0, resend_end = 0;
  std::unique_ptr<std::vector<std::string>> aliases;  // topic by alias - 1

  bool awaits_resend(const Delivery& delivery) const {
    return delivery.stage == DeliveryStage::sent && delivery.sequence >= resend_from &&
           delivery.sequence < resend_end;
  }
};

// What one publish has planned for a session so far; valid while `serial` is that publish's.
struct PlanScratch {
  static constexpr std::uint32_t kNoRoute = ~0u;

  std::uint64_t serial = 0;
  std::uint32_t route = kNoRoute;  // index of its route for ordinary subscriptions
  std::uint32_t queued = 0;
  std::uint16_t in_flight = 0;
  std::uint16_t next_packet_id = 0;
};

// What a queue may hold above its limits: the retained messages of new subscriptions. Until the
// last of them has left the queue.
struct QueueRoom {
  std::uint64_t messages = 0, bytes = 0;
  std::uint64_t last_sequence = 0;

  void add(std::uint64_t footprint, std::uint64_t sequence) {
    ++messages;
    bytes += footprint;
    last_sequence = sequence;
  }
};

struct Seat {
  const Session* session = nullptr;
  Attachment attachment;
  HeldGrants held;  // survives the connection
  PlanScratch plan;
  QueueRoom room;
  TimeMs queue_due = 0;     // when to look for expired messages in the queue; 0: never
  TimeMs scheduled_at = 0;  // of the entry in the schedule that counts; 0: none

  // If the last message that it was given for has left the queue. Not while more are planned.
  void end_room() {
    const DeliveryQueue& queue = session->queue;
    if (queue.queued() == 0 || queue[queue.inflight()].sequence > room.last_sequence) room = {};
  }
  // Deliveries that count against the window.
  std::size_t outstanding() const { return session->queue.inflight() - attachment.resend_left; }
};

// What the plan of this number has for the session so far.
inline PlanScratch& planned_for(Seat& seat, std::uint64_t serial) {
  if (seat.plan.serial != serial)
    seat.plan = {serial, PlanScratch::kNoRoute, 0, 0, seat.session->next_packet_id};
  return seat.plan;
}

// A seat stays where it is as long as its session lives.
class Seats {
 public:
  Seats() { chunks_.push_back(std::make_unique<Seat[]>(kChunk)); }

  // `id` is of a session that has come, or kNoSeat: a seat that nobody ever has.
  Seat& operator[](SeatId id) { return chunks_[id / kChunk][id % kChunk]; }
  const Seat& operator[](SeatId id) const { return chunks_[id / kChunk][id % kChunk]; }
  Seat& of(const Session& session) { return (*this)[session.seat]; }
  const Seat& of(const Session& session) const { return (*this)[session.seat]; }

  // For a session that is new here.
  Seat& give(const Session& session) {
    while (session.seat / kChunk >= chunks_.size())
      chunks_.push_back(std::make_unique<Seat[]>(kChunk));
    Seat& seat = of(session);
    seat.session = &session;
    return seat;
  }
  // The session goes.
  void vacate(const Session& session) { of(session) = {}; }

 private:
  static constexpr std::size_t kChunk = 256;
  std::vector<std::unique_ptr<Seat[]>> chunks_;
};

}  // namespace tandemq::core
