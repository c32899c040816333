// PUBACK, PUBREC, PUBREL, PUBCOMP: one of them, or a run of one type, of which what the session
// waits for becomes one record.
#include "broker/base/bytes.h"
#include "broker/core/engine_impl.h"
#include "broker/core/id_run.h"

namespace tandemq::core {

using mqtt::PacketType;
using mqtt::Reason;

// Whether the session waits for this answer; else nothing has changed.
bool Engine::Impl::take_answer(Seat& seat, PacketType type, std::uint16_t packet_id) {
  Attachment& attachment = seat.attachment;
  const Session& session = *seat.session;
  if (type == PacketType::pubrel) {
    if (!session.inbound.contains(packet_id)) return false;
    if (attachment.inbound_unreleased > 0) --attachment.inbound_unreleased;
    return true;
  }
  const std::size_t index = session.queue.find(packet_id);
  if (index == DeliveryQueue::kNone) return false;
  const Delivery& delivery = session.queue[index];
  if (delivery.qos != (type == PacketType::puback ? 1 : 2)) return false;
  if ((delivery.stage == DeliveryStage::received) != (type == PacketType::pubcomp)) return false;
  if (type != PacketType::pubcomp) attachment.resend_left -= attachment.awaits_resend(delivery);
  return true;
}

// The answers that were taken, `first` and those in further_ids, as one record.
void Engine::Impl::settle(Seat& seat, PacketType type, std::uint16_t first, TimeMs now,
                          Effects& out) {
  const SessionId id = seat.session->id;
  if (type == PacketType::pubrec) return commit(id, Received{id, first, further_ids}, out);
  if (type == PacketType::pubrel) return commit(id, Released{id, first, further_ids}, out);
  if (type == PacketType::puback) {
    commit(id, Acked{id, first, further_ids}, out);
  } else {
    commit(id, Completed{id, first, further_ids}, out);
  }
  pump(seat, now, out);
}

// PUBREC with an error: the delivery is over, whatever stage it is in.
void Engine::Impl::refused(Seat& seat, std::uint16_t packet_id, TimeMs now, Effects& out) {
  const Session& session = *seat.session;
  const std::size_t index = session.queue.find(packet_id);
  if (index == DeliveryQueue::kNone) return;
  const Delivery& delivery = session.queue[index];
  if (delivery.qos != 2) return refuse(seat, Reason::protocol_error, out);
  seat.attachment.resend_left -= seat.attachment.awaits_resend(delivery);
  commit(session.id, Acked{session.id, packet_id}, out);
  pump(seat, now, out);
}

// An answer that the session does not wait for: it is settled already, or belongs to nothing.
void Engine::Impl::unexpected(Seat& seat, PacketType type, std::uint16_t packet_id, Effects& out) {
  const Session& session = *seat.session;
  const Reason unknown = session.is_v5() ? Reason::packet_id_not_found : Reason::success;
  if (type == PacketType::pubrel) {
    return tell(seat, EffectKind::pubcomp, packet_id, unknown, out);
  }
  const std::size_t index = session.queue.find(packet_id);
  const bool in_flight = index != DeliveryQueue::kNone;
  if (in_flight && (type != PacketType::pubrec || session.queue[index].qos != 2))
    return refuse(seat, Reason::protocol_error, out);
  if (type != PacketType::pubrec) return;  // harmless
  tell(seat, EffectKind::pubrel, packet_id, in_flight ? Reason::success : unknown, out);
}

void Engine::answer(Origin from, PacketType type, const mqtt::Ack& packet, TimeMs now,
                    Effects& out) {
  Seat* seat = impl_->attached(from);
  if (!seat) return;
  if (type == PacketType::pubrec && mqtt::is_error(packet.reason))
    return impl_->refused(*seat, packet.packet_id, now, out);
  if (!impl_->take_answer(*seat, type, packet.packet_id))
    return impl_->unexpected(*seat, type, packet.packet_id, out);
  impl_->further_ids.clear();
  impl_->settle(*seat, type, packet.packet_id, now, out);
}

void Engine::answers(Origin from, const mqtt::AckRun& run, TimeMs now, Effects& out) {
  Impl& e = *impl_;
  for (std::size_t at = 0; at < run.size();) {
    Seat* seat = e.attached(from);
    if (!seat) return;
    const std::size_t first = at;
    IdRun ids;
    e.further_ids.clear();
    for (; at < run.size(); ++at) {
      const std::uint16_t id = run.id(at);
      if (!ids.take(id) || !e.take_answer(*seat, run.type, id)) break;
      if (at > first) put_le(e.further_ids, id);
    }
    if (at > first) {
      e.settle(*seat, run.type, run.id(first), now, out);
    } else {
      e.unexpected(*seat, run.type, run.id(at++), out);
    }
  }
}

}  // namespace tandemq::core
