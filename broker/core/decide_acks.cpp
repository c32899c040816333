// PUBACK, PUBREC, PUBREL, PUBCOMP.
#include "broker/core/engine_impl.h"

namespace tandemq::core {

using mqtt::Reason;

void Engine::puback(Origin from, const mqtt::Ack& packet, TimeMs now, Effects& out) {
  Session* session = impl_->attached(from);
  if (!session) return;
  const std::size_t index = session->queue.find(packet.packet_id);
  if (index == DeliveryQueue::kNone) return;  // harmless: an answer to what is settled already
  if (session->queue[index].qos != 1) return impl_->refuse(*session, Reason::protocol_error, out);
  impl_->commit(session->id, Acked{session->id, packet.packet_id}, &out);
  impl_->pump(*session, now, out);
}

void Engine::pubrec(Origin from, const mqtt::Ack& packet, TimeMs now, Effects& out) {
  Session* session = impl_->attached(from);
  if (!session) return;
  const std::size_t index = session->queue.find(packet.packet_id);
  if (index == DeliveryQueue::kNone) {
    if (mqtt::is_error(packet.reason)) return;
    const Reason reason = session->is_v5() ? Reason::packet_id_not_found : Reason::success;
    return impl_->s.emit_ack(*session, EffectKind::pubrel, packet.packet_id, reason, out);
  }
  const Delivery& delivery = session->queue[index];
  if (delivery.qos != 2) return impl_->refuse(*session, Reason::protocol_error, out);
  if (mqtt::is_error(packet.reason)) {
    impl_->commit(session->id, Acked{session->id, packet.packet_id}, &out);
    impl_->pump(*session, now, out);
  } else if (delivery.stage == DeliveryStage::received) {
    impl_->s.emit_ack(*session, EffectKind::pubrel, packet.packet_id, Reason::success, out);
  } else {
    impl_->commit(session->id, Received{session->id, packet.packet_id}, &out);
  }
}

void Engine::pubcomp(Origin from, const mqtt::Ack& packet, TimeMs now, Effects& out) {
  Session* session = impl_->attached(from);
  if (!session) return;
  const std::size_t index = session->queue.find(packet.packet_id);
  if (index == DeliveryQueue::kNone) return;
  const Delivery& delivery = session->queue[index];
  if (delivery.qos != 2 || delivery.stage != DeliveryStage::received)
    return impl_->refuse(*session, Reason::protocol_error, out);
  impl_->commit(session->id, Completed{session->id, packet.packet_id}, &out);
  impl_->pump(*session, now, out);
}

void Engine::pubrel(Origin from, const mqtt::Ack& packet, TimeMs, Effects& out) {
  Session* session = impl_->attached(from);
  if (!session) return;
  if (!session->inbound.contains(packet.packet_id)) {
    const Reason reason = session->is_v5() ? Reason::packet_id_not_found : Reason::success;
    return impl_->s.emit_ack(*session, EffectKind::pubcomp, packet.packet_id, reason, out);
  }
  if (session->link.inbound_unreleased > 0) --session->link.inbound_unreleased;
  impl_->commit(session->id, Released{session->id, packet.packet_id}, &out);
}

}  // namespace tandemq::core
