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

void Engine::Impl::puback(Seat& seat, const mqtt::Ack& packet, TimeMs now, Effects& out) {
  const DeliveryQueue& queue = seat.session->queue;
  const std::size_t index = queue.find(packet.packet_id);
  if (index == DeliveryQueue::kNone) return;  // harmless: an answer to what is settled already
  if (queue[index].qos != 1) return refuse(seat, Reason::protocol_error, out);
  acked(seat, queue[index], now, out);
}

void Engine::Impl::pubrec(Seat& seat, const mqtt::Ack& packet, TimeMs now, Effects& out) {
  const Session& session = *seat.session;
  const std::size_t index = session.queue.find(packet.packet_id);
  if (index == DeliveryQueue::kNone) {
    if (mqtt::is_error(packet.reason)) return;
    const Reason reason = session.is_v5() ? Reason::packet_id_not_found : Reason::success;
    return tell(seat, EffectKind::pubrel, packet.packet_id, reason, out);
  }
  const Delivery& delivery = session.queue[index];
  if (delivery.qos != 2) return refuse(seat, Reason::protocol_error, out);
  if (mqtt::is_error(packet.reason)) return acked(seat, delivery, now, out);
  if (delivery.stage == DeliveryStage::received)
    return tell(seat, EffectKind::pubrel, packet.packet_id, Reason::success, out);
  seat.attachment.resend_left -= seat.attachment.awaits_resend(delivery);
  commit(session.id, Received{session.id, packet.packet_id}, out);
}

void Engine::Impl::pubcomp(Seat& seat, const mqtt::Ack& packet, TimeMs now, Effects& out) {
  const DeliveryQueue& queue = seat.session->queue;
  const std::size_t index = queue.find(packet.packet_id);
  if (index == DeliveryQueue::kNone) return;
  const Delivery& delivery = queue[index];
  if (delivery.qos != 2 || delivery.stage != DeliveryStage::received)
    return refuse(seat, Reason::protocol_error, out);
  const SessionId id = seat.session->id;
  commit(id, Completed{id, packet.packet_id}, out);
  pump(seat, now, out);
}

void Engine::Impl::pubrel(Seat& seat, const mqtt::Ack& packet, Effects& out) {
  const Session& session = *seat.session;
  if (!session.inbound.contains(packet.packet_id)) {
    const Reason reason = session.is_v5() ? Reason::packet_id_not_found : Reason::success;
    return tell(seat, EffectKind::pubcomp, packet.packet_id, reason, out);
  }
  if (seat.attachment.inbound_unreleased > 0) --seat.attachment.inbound_unreleased;
  commit(session.id, Released{session.id, packet.packet_id}, out);
}

void Engine::answer(Origin from, mqtt::PacketType type, const mqtt::Ack& packet, TimeMs now,
                    Effects& out) {
  Seat* seat = impl_->attached(from);
  if (!seat) return;
  if (type == mqtt::PacketType::puback) return impl_->puback(*seat, packet, now, out);
  if (type == mqtt::PacketType::pubrec) return impl_->pubrec(*seat, packet, now, out);
  if (type == mqtt::PacketType::pubrel) return impl_->pubrel(*seat, packet, out);
  impl_->pubcomp(*seat, packet, now, out);
}

}  // namespace tandemq::core
