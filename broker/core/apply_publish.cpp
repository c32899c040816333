// Records that put deliveries into sessions and take them out again.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/core/state_impl.h"

namespace tandemq::core {

namespace {

// Subscribers mostly get the same identifiers again and again: share them with the delivery before.
DetailRef detail_of(const Session& session, const Target& target) {
  const std::size_t size = session.queue.size();
  if (size > 1) {
    const DetailRef& before = session.queue[size - 2].detail;
    if (before && before->subscription_ids == target.subscription_ids) return before;
  }
  EffectDetail detail;
  detail.subscription_ids = target.subscription_ids;
  return share(std::move(detail));
}

// What goes in flight, goes to the client.
void tell(const Audience* to, const Session& session, const Delivery& delivery, Lsn after) {
  if (!to) return;
  if (const ConnId conn = to->conn_of(session)) emit_publish(conn, delivery, false, after, to->out);
}
void tell(const Audience* to, const Session& session, EffectKind kind, std::uint16_t packet_id,
          Lsn after) {
  if (!to) return;
  if (const ConnId conn = to->conn_of(session))
    emit_ack(conn, kind, packet_id, mqtt::Reason::success, after, to->out);
}

// What is counted for an empty queue.
void check_queue(Session& session) {
  if (session.queue.queued() != 0) return;
  TMQ_CHECK(session.queued_bytes == 0);
  session.queue_expiry_min = 0;
  session.keeps_qos0 = false;
}

std::size_t require_in_flight(const Session& session, std::uint16_t packet_id) {
  const std::size_t index = session.queue.find(packet_id);
  TMQ_CHECK(index != DeliveryQueue::kNone);
  return index;
}

}  // namespace

void State::Impl::deliver(const Target& target, const MessageRef& message, const Audience* to) {
  Session& session = require(target.session);
  Delivery& delivery = session.queue.push();
  delivery.message = message;
  delivery.sequence = session.next_sequence++;
  delivery.qos = target.qos;
  delivery.retain = target.retain;
  if (!target.subscription_ids.empty()) delivery.detail = detail_of(session, target);
  ++queued;
  queued_bytes += message->footprint();
  if (target.packet_id != 0) {
    TMQ_CHECK(session.queue.queued() == 1);
    session.queue.begin_flight(target.packet_id);
    session.next_packet_id = next_packet_id(target.packet_id);
    tell(to, session, delivery, last_lsn);
    return;
  }
  session.queued_bytes += message->footprint();
  session.keeps_qos0 |= target.qos == 0;
  if (message->expires_at() == 0) return;
  if (session.queue_expiry_min == 0 || message->expires_at() < session.queue_expiry_min)
    session.queue_expiry_min = message->expires_at();
}

void State::Impl::apply(Lsn lsn, const Published& r, const Audience* to) {
  note(lsn);
  if (lsn != 0) note_time(r.time);
  if (r.inbound_id != 0) require(r.publisher).inbound.insert(r.inbound_id);
  if (r.is_will) require(r.publisher).will.reset();
  if (r.moved_from != kNoSession) {
    Session& from = require(r.moved_from);
    drop_queued(from, r.moved_sequence);
    check_queue(from);
  }
  if (r.retain == RetainAction::store) retained.store(r.message);
  if (r.retain == RetainAction::clear) retained.clear(r.message->topic());
  for (const Target& target : r.targets) deliver(target, r.message, to);
}

void State::Impl::apply(Lsn lsn, const RetainedQueued& r, const Audience* to) {
  note(lsn);
  for (const RetainedQueued::Item& item : r.items) {
    const Message* message = retained.find(item.topic);
    TMQ_CHECK(message != nullptr);
    deliver(item.target, MessageRef(message), to);
  }
}

void State::Impl::apply(Lsn lsn, const RetainedExpired& r, const Audience*) {
  note(lsn);
  retained.clear(r.topic);
}

void State::Impl::apply(Lsn lsn, const Sent& r, const Audience* to) {
  note(lsn);
  Session& session = require(r.session);
  for (std::uint16_t packet_id : r.packet_ids) {
    TMQ_CHECK(session.queue.queued() > 0);
    const Delivery& delivery = session.queue.begin_flight(packet_id);
    session.queued_bytes -= delivery.message->footprint();
    session.next_packet_id = next_packet_id(packet_id);
    tell(to, session, delivery, last_lsn);
  }
  check_queue(session);
}

void State::Impl::take_off_queue(Session& session, const Delivery& delivery) {
  --queued;
  forget_bytes(delivery.message->footprint());
  session.queued_bytes -= delivery.message->footprint();
}

void State::Impl::drop_queued(Session& session, std::uint64_t sequence) {
  const std::size_t i = session.queue.lower_bound(sequence);
  TMQ_CHECK(i < session.queue.size() && i >= session.queue.inflight());
  take_off_queue(session, session.queue[i]);
  session.queue.erase(i);
}

void State::Impl::apply(Lsn lsn, const Dropped& r, const Audience*) {
  constexpr std::size_t kFewItems = 4;  // each costs a shift of what stands before it
  note(lsn);
  Session& session = require(r.session);
  if (r.sequence.size() <= kFewItems) {
    for (std::uint64_t sequence : r.sequence) drop_queued(session, sequence);
    return check_queue(session);
  }
  auto next = r.sequence.begin();
  session.queue.filter_queued([&](const Delivery& delivery) {
    if (next == r.sequence.end() || *next != delivery.sequence) return true;
    ++next;
    take_off_queue(session, delivery);
    return false;
  });
  TMQ_CHECK(next == r.sequence.end());
  check_queue(session);
}

// The delivery is over, whatever stage it was in.
void State::Impl::finish(Session& session, std::size_t index) {
  const Delivery& delivery = session.queue[index];
  --queued;
  if (delivery.message) forget_bytes(delivery.message->footprint());
  session.queue.erase(index);
}

template <class R>
void State::Impl::finish_all(Lsn lsn, const R& r) {
  note(lsn);
  Session& session = require(r.session);
  each_packet_id(r, [&](std::uint16_t id) { finish(session, require_in_flight(session, id)); });
}

void State::Impl::apply(Lsn lsn, const Acked& r, const Audience*) {
  finish_all(lsn, r);
}

void State::Impl::apply(Lsn lsn, const Completed& r, const Audience*) {
  finish_all(lsn, r);
}

void State::Impl::apply(Lsn lsn, const Received& r, const Audience* to) {
  note(lsn);
  Session& session = require(r.session);
  each_packet_id(r, [&](std::uint16_t id) {
    Delivery& delivery = session.queue[require_in_flight(session, id)];
    TMQ_CHECK(delivery.stage == DeliveryStage::sent);
    forget_bytes(delivery.message->footprint());
    delivery.message = {};
    delivery.detail = {};
    delivery.stage = DeliveryStage::received;
    tell(to, session, EffectKind::pubrel, id, last_lsn);
  });
}

void State::Impl::apply(Lsn lsn, const Released& r, const Audience* to) {
  note(lsn);
  Session& session = require(r.session);
  each_packet_id(r, [&](std::uint16_t id) {
    session.inbound.erase(id);
    tell(to, session, EffectKind::pubcomp, id, last_lsn);
  });
}

}  // namespace tandemq::core
