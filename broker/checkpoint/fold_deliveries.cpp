// The part of the fold that deals with queues and packets in flight.
#include "broker/checkpoint/fold.h"

namespace tandemq::broker::checkpoint {

using core::DeliveryStage;

namespace {

// Identifiers run 1 to 65535 and around.
std::uint16_t id_after(std::uint16_t id) {
  return id == 65535 ? std::uint16_t{1} : static_cast<std::uint16_t>(id + 1);
}

constexpr std::size_t kOldMemory = sizeof(FoldDelivery) + 48;  // with its place in the map
constexpr std::size_t kReadAhead = 256;                        // queued rows read at once
constexpr std::size_t kTrimAt = 64;  // finished deliveries kept before memory is given back

}  // namespace

void InFlight::put(std::uint16_t packet_id, std::uint64_t sequence) {
  entries_.push_back({sequence, packet_id});
}

std::uint64_t InFlight::find(std::uint16_t packet_id) const {
  for (std::size_t i = head_; i < entries_.size(); ++i) {
    if (entries_[i].packet_id == packet_id && entries_[i].sequence) return entries_[i].sequence;
  }
  return 0;
}

void InFlight::erase(std::uint16_t packet_id) {
  for (std::size_t i = head_; i < entries_.size(); ++i) {
    if (entries_[i].packet_id != packet_id || !entries_[i].sequence) continue;
    entries_[i].sequence = 0;
    break;
  }
  while (head_ < entries_.size() && !entries_[head_].sequence) ++head_;
  if (head_ == entries_.size()) {
    entries_.clear();
    head_ = 0;
  } else if (head_ >= kTrimAt && head_ * 2 > entries_.size()) {
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void Fold::put(FoldSession& session, const core::Target& target, Lsn message,
               const core::MessageRef& body, std::size_t memory) {
  FoldDelivery delivery;
  delivery.memory = static_cast<std::uint32_t>(sizeof(FoldDelivery) + memory);
  memory_ += delivery.memory;
  delivery.sequence = session.row.next_sequence++;
  delivery.message = message;
  delivery.body = body;
  delivery.packet_id = target.packet_id;
  delivery.stage = target.packet_id ? DeliveryStage::sent : DeliveryStage::queued;
  delivery.qos = target.qos;
  delivery.retain = target.retain;
  if (!target.subscription_ids.empty()) {
    delivery.subscription_ids =
        std::make_unique<std::vector<std::uint32_t>>(target.subscription_ids);
  }
  if (!body && message) ++message_refs_[message];
  if (target.packet_id) {
    session.in_flight.put(target.packet_id, delivery.sequence);
    session.row.next_packet_id = id_after(target.packet_id);
  }
  session.fresh.push_back(std::move(delivery));
  session.changed = true;
}

void Fold::release_message(FoldDelivery& delivery) {
  memory_ -= delivery.memory;
  delivery.memory = 0;
  if (delivery.message && !delivery.body) --message_refs_[delivery.message];
  delivery.message = 0;
  delivery.body = {};
}

// The delivery is over. Gives memory back at the front of `fresh`, where most of them are.
void Fold::finish(FoldSession& session, FoldDelivery& delivery) {
  const bool is_fresh = delivery.sequence >= session.fresh_first;
  release_message(delivery);
  delivery.gone = delivery.changed = true;
  delivery.subscription_ids.reset();
  if (!is_fresh) return;
  auto& fresh = session.fresh;
  std::size_t& front = session.fresh_gone;
  while (front < fresh.size() && fresh[front].gone) ++front;
  if (front == fresh.size() || (front >= kTrimAt && front * 2 > fresh.size())) {
    fresh.erase(fresh.begin(), fresh.begin() + static_cast<std::ptrdiff_t>(front));
    session.fresh_first += front;
    front = 0;
  }
}

FoldDelivery* Fold::by_sequence(FoldSession& session, std::uint64_t sequence) {
  if (sequence >= session.fresh_first) {
    const std::uint64_t at = sequence - session.fresh_first;
    if (at >= session.fresh.size() || session.fresh[at].gone) return nullptr;
    return &session.fresh[at];
  }
  auto at = session.old.find(sequence);
  if (at == session.old.end()) {
    FoldDelivery row;
    if (!session.stored || !rows_.delivery(session.row.session, sequence, row)) return nullptr;
    at = session.old.emplace(sequence, std::move(row)).first;
    memory_ += kOldMemory;
  }
  return at->second.gone ? nullptr : &at->second;
}

FoldDelivery* Fold::by_packet_id(FoldSession& session, std::uint16_t packet_id) {
  if (const std::uint64_t sequence = session.in_flight.find(packet_id)) {
    return by_sequence(session, sequence);
  }
  FoldDelivery row;
  if (!session.stored || !rows_.in_flight(session.row.session, packet_id, row)) return nullptr;
  // A row that was looked at before and is not in flight any more: the file still shows it so.
  const auto [at, is_new] = session.old.try_emplace(row.sequence, std::move(row));
  if (!is_new) return nullptr;
  memory_ += kOldMemory;
  session.in_flight.put(packet_id, at->first);
  return &at->second;
}

FoldDelivery* Fold::oldest_queued_old(FoldSession& session) {
  while (true) {
    auto at = session.old.lower_bound(session.old_queue);
    // Rows above old_read may lie in `old` already, with others before them still in the file.
    for (; at != session.old.end() && at->first <= session.old_read; ++at) {
      session.old_queue = at->first;
      if (at->second.stage == DeliveryStage::queued && !at->second.gone) return &at->second;
    }
    session.old_queue = session.old_read + 1;
    if (session.old_queue_done) return nullptr;
    auto rows = rows_.queued(session.row.session, session.old_read, kReadAhead);
    session.old_queue_done = rows.size() < kReadAhead;
    for (FoldDelivery& row : rows) {
      session.old_read = row.sequence;
      session.old.try_emplace(row.sequence, std::move(row));
      memory_ += kOldMemory;
    }
    if (session.old_queue_done) session.old_read = session.fresh_first;
  }
}

FoldDelivery* Fold::oldest_queued(FoldSession& session) {
  if (FoldDelivery* delivery = oldest_queued_old(session)) return delivery;
  std::uint64_t& sequence = session.fresh_queue;
  sequence = std::max(sequence, session.fresh_first);
  for (; sequence < session.row.next_sequence; ++sequence) {
    FoldDelivery& delivery = session.fresh[sequence - session.fresh_first];
    if (delivery.stage == DeliveryStage::queued && !delivery.gone) return &delivery;
  }
  return nullptr;
}

void Fold::apply(Lsn, const core::RetainedQueued& r) {
  FoldSession* session = require(r.session);
  if (!session) return;
  for (const core::RetainedQueued::Item& item : r.items) {
    const FoldRetained& retained = touch_retained(item.topic);
    if (!retained.message) return void(fault_ = "nothing is retained for a topic");
    put(*session, item.target, retained.message, retained.body, 0);
  }
}

void Fold::apply(Lsn, const core::Sent& r) {
  FoldSession* session = require(r.session);
  if (!session) return;
  for (std::uint16_t packet_id : r.packet_ids) {
    FoldDelivery* delivery = oldest_queued(*session);
    if (!delivery) return void(fault_ = "nothing is queued");
    delivery->packet_id = packet_id;
    delivery->stage = DeliveryStage::sent;
    delivery->changed = true;
    session->in_flight.put(packet_id, delivery->sequence);
    session->row.next_packet_id = id_after(packet_id);
    session->changed = true;
  }
}

void Fold::end_flight(core::SessionId id, std::uint16_t packet_id) {
  FoldSession* session = require(id);
  if (!session) return;
  FoldDelivery* delivery = by_packet_id(*session, packet_id);
  if (!delivery) return void(fault_ = "no such packet identifier is in flight");
  session->in_flight.erase(packet_id);
  finish(*session, *delivery);
}

void Fold::apply(Lsn, const core::Acked& r) {
  core::each_packet_id(r, [&](std::uint16_t id) { end_flight(r.session, id); });
}

void Fold::apply(Lsn, const core::Completed& r) {
  core::each_packet_id(r, [&](std::uint16_t id) { end_flight(r.session, id); });
}

void Fold::apply(Lsn, const core::Received& r) {
  FoldSession* session = require(r.session);
  if (!session) return;
  core::each_packet_id(r, [&](std::uint16_t id) {
    FoldDelivery* delivery = by_packet_id(*session, id);
    if (!delivery) return void(fault_ = "no such packet identifier is in flight");
    release_message(*delivery);
    delivery->stage = DeliveryStage::received;
    delivery->subscription_ids.reset();
    delivery->changed = true;
  });
}

void Fold::apply(Lsn, const core::Dropped& r) {
  FoldSession* session = require(r.session);
  if (!session) return;
  for (std::uint64_t sequence : r.sequence) drop_queued(*session, sequence);
}

void Fold::drop_queued(FoldSession& session, std::uint64_t sequence) {
  FoldDelivery* delivery = by_sequence(session, sequence);
  if (!delivery) return void(fault_ = "no such sequence number is queued");
  finish(session, *delivery);
}

}  // namespace tandemq::broker::checkpoint
