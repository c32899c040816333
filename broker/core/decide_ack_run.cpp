// Acknowledgements that come behind one another: one record, one look at the window for all of
// them.
#include "broker/base/bytes.h"
#include "broker/core/engine_impl.h"
#include "broker/core/id_run.h"

namespace tandemq::core {

using mqtt::PacketType;

// False, and nothing has changed, for an answer that the session does not wait for.
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

// Those from `first` on that the session waits for, as one record. Returns how many.
std::size_t Engine::Impl::take_answers(Seat& seat, const mqtt::AckRun& run, std::size_t first,
                                       TimeMs now, Effects& out) {
  IdRun ids;
  further_ids.clear();
  std::size_t end = first;
  for (; end < run.size(); ++end) {
    const std::uint16_t id = run.id(end);
    if (!ids.take(id) || !take_answer(seat, run.type, id)) break;
    if (end > first) put_le(further_ids, id);
  }
  if (end == first) return 0;
  const SessionId session = seat.session->id;
  const std::uint16_t id = run.id(first);
  if (run.type == PacketType::pubrec) {
    commit(session, Received{session, id, further_ids}, out);
  } else if (run.type == PacketType::pubrel) {
    commit(session, Released{session, id, further_ids}, out);
  } else if (run.type == PacketType::puback) {
    commit(session, Acked{session, id, further_ids}, out);
    pump(seat, now, out);
  } else {
    commit(session, Completed{session, id, further_ids}, out);
    pump(seat, now, out);
  }
  return end - first;
}

void Engine::answers(Origin from, const mqtt::AckRun& run, TimeMs now, Effects& out) {
  for (std::size_t at = 0; at < run.size();) {
    Seat* seat = impl_->attached(from);
    if (!seat) return;
    const std::size_t taken = impl_->take_answers(*seat, run, at, now, out);
    if (taken == 0) {
      mqtt::Ack packet;
      packet.packet_id = run.id(at);
      answer(from, run.type, packet, now, out);
    }
    at += std::max<std::size_t>(taken, 1);
  }
}

}  // namespace tandemq::core
