// PUBACK, PUBREC, PUBREL, PUBCOMP.
#include "broker/core/engine_impl.h"

namespace tandemq::core {

using mqtt::Reason;

// The client answers a delivery in flight with its last word: PUBACK, or a PUBREC with an error.
void Engine::Impl::acked(Seat& seat, const Delivery& delivery, TimeMs now, Effects& out) {
  const SessionId id = seat.session->id;
  seat.attachment.resend_left -= seat.attachment.awaits_resend(delivery);
  commit(id, Acked{id, delivery.packet_id}, out);
  pump(seat, now, out);
}

void Engine::puback(Origin from, const mqtt::Ack& packet, TimeMs now, Effects& out) {
  Seat* seat = impl_->attached(from);
  if (!seat) return;
  const DeliveryQueue& queue = seat->session->queue;
  const std::size_t index = queue.find(packet.packet_id);
  if (index == DeliveryQueue::kNone) return;  // harmless: an answer to what is settled already
  if (queue[index].qos != 1) return impl_->refuse(*seat, Reason::protocol_error, out);
  impl_->acked(*seat, queue[index], now, out);
}

void Engine::pubrec(Origin from, const mqtt::Ack& packet, TimeMs now, Effects& out) {
  Seat* seat = impl_->attached(from);
  if (!seat) return;
  const Session& session = *seat->session;
  const std::size_t index = session.queue.find(packet.packet_id);
  if (index == DeliveryQueue::kNone) {
    if (mqtt::is_error(packet.reason)) return;
    const Reason reason = session.is_v5() ? Reason::packet_id_not_found : Reason::success;
    return impl_->tell(*seat, EffectKind::pubrel, packet.packet_id, reason, out);
  }
  const Delivery& delivery = session.queue[index];
  if (delivery.qos != 2) return impl_->refuse(*seat, Reason::protocol_error, out);
  if (mqtt::is_error(packet.reason)) return impl_->acked(*seat, delivery, now, out);
  if (delivery.stage == DeliveryStage::received)
    return impl_->tell(*seat, EffectKind::pubrel, packet.packet_id, Reason::success, out);
  seat->attachment.resend_left -= seat->attachment.awaits_resend(delivery);
  impl_->commit(session.id, Received{session.id, packet.packet_id}, out);
}

void Engine::pubcomp(Origin from, const mqtt::Ack& packet, TimeMs now, Effects& out) {
  Seat* seat = impl_->attached(from);
  if (!seat) return;
  const DeliveryQueue& queue = seat->session->queue;
  const std::size_t index = queue.find(packet.packet_id);
  if (index == DeliveryQueue::kNone) return;
  const Delivery& delivery = queue[index];
  if (delivery.qos != 2 || delivery.stage != DeliveryStage::received)
    return impl_->refuse(*seat, Reason::protocol_error, out);
  const SessionId id = seat->session->id;
  impl_->commit(id, Completed{id, packet.packet_id}, out);
  impl_->pump(*seat, now, out);
}

void Engine::pubrel(Origin from, const mqtt::Ack& packet, TimeMs, Effects& out) {
  Seat* seat = impl_->attached(from);
  if (!seat) return;
  const Session& session = *seat->session;
  if (!session.inbound.contains(packet.packet_id)) {
    const Reason reason = session.is_v5() ? Reason::packet_id_not_found : Reason::success;
    return impl_->tell(*seat, EffectKind::pubcomp, packet.packet_id, reason, out);
  }
  if (seat->attachment.inbound_unreleased > 0) --seat->attachment.inbound_unreleased;
  impl_->commit(session.id, Released{session.id, packet.packet_id}, out);
}

}  // namespace tandemq::core
