// What goes to a client when its window has room: first what was in flight before the present
// connection, then what waits.
#include <utility>

#include "broker/core/engine_impl.h"

namespace tandemq::core {

namespace {

std::size_t identifier_count(const Delivery& delivery) {
  return delivery.detail ? delivery.detail->subscription_ids.size() : 0;
}

// Why a waiting delivery will never be sent; null when it may be.
std::uint64_t* reason_to_drop(const RouteRules& rules, const Seat& seat, const Delivery& delivery,
                              TimeMs now, EngineCounters& counters) {
  if (delivery.message->expired(now)) return &counters.dropped_expired;
  if (!may_receive(rules, *seat.session, delivery.message->topic()))
    return &counters.dropped_revoked;
  if (!fits_client(seat.attachment, *delivery.message, delivery.qos, identifier_count(delivery)))
    return &counters.dropped_too_large;
  return nullptr;
}

// The waiting deliveries that fit the window, and those found on the way that will never be sent.
void decide_send(const RouteRules& rules, const Seat& seat, TimeMs now, Sent& sent,
                 Dropped& dropped, EngineCounters& counters) {
  const Session& session = *seat.session;
  const DeliveryQueue& queue = session.queue;
  std::uint16_t next = session.next_packet_id;
  for (std::size_t i = queue.inflight(); i < queue.size(); ++i) {
    if (queue.inflight() + sent.packet_ids.size() >= seat.attachment.window) return;
    const Delivery& delivery = queue[i];
    std::uint64_t* const reason = reason_to_drop(rules, seat, delivery, now, counters);
    if (reason) {
      ++*reason;
      dropped.sequence.push_back(delivery.sequence);
      continue;
    }
    sent.packet_ids.push_back(queue.free_id(next));
    next = next_packet_id(sent.packet_ids.back());
  }
}

}  // namespace

void Engine::Impl::pump(Seat& seat, TimeMs now, Effects& out) {
  const Session& session = *seat.session;
  const Attachment& attachment = seat.attachment;
  TMQ_CHECK(attachment.resend_left <= session.queue.inflight());
  if (attachment.conn == 0) return;
  if (attachment.resend_left != 0) resend(seat, false, out);
  if (attachment.resend_left != 0 || session.queue.queued() == 0) return;
  sent.session = dropped.session = session.id;
  sent.packet_ids.clear();
  dropped.sequence.clear();
  decide_send(rules, seat, now, sent, dropped, counters);
  if (!dropped.sequence.empty()) drop(dropped, out);
  if (!sent.packet_ids.empty()) commit(session.id, sent, out);
}

// QoS 0 that was kept while the client was away: all of it leaves the queue, whatever the window.
// None is queued while the client is there, so that what comes now does not overtake it. Once the
// record is committed it is sent, and never again.
void Engine::Impl::send_kept(Seat& seat, TimeMs now, Effects& out) {
  const Session& session = *seat.session;
  if (!session.keeps_qos0) return;
  const DeliveryQueue& queue = session.queue;
  Effects kept;
  dropped.session = session.id;
  dropped.sequence.clear();
  for (std::size_t i = queue.inflight(); i < queue.size(); ++i) {
    const Delivery& delivery = queue[i];
    if (delivery.qos != 0) continue;
    dropped.sequence.push_back(delivery.sequence);
    if (std::uint64_t* reason = reason_to_drop(rules, seat, delivery, now, counters))
      ++*reason;
    else
      emit_publish(seat.attachment.conn, delivery, false, 0, kept);
  }
  if (dropped.sequence.empty()) return;
  drop(dropped, out);
  seat.attachment.at_once_after = s.last_lsn;
  for (Effect& effect : kept) {
    effect.after = s.last_lsn;
    out.push_back(std::move(effect));
  }
}

// [MQTT-4.4.0-1]: PUBREL for what the client has, PUBLISH with DUP for what it may not have, in
// their first order, as the window of this connection allows.
void Engine::Impl::resend(Seat& seat, bool with_pubrels, Effects& out) {
  const Session& session = *seat.session;
  Attachment& attachment = seat.attachment;
  std::vector<std::uint16_t> too_large, revoked;
  for (std::size_t i = 0; i < session.queue.inflight(); ++i) {
    const Delivery& delivery = session.queue[i];
    if (delivery.stage == DeliveryStage::received) {
      if (with_pubrels)
        tell(seat, EffectKind::pubrel, delivery.packet_id, mqtt::Reason::success, out);
      continue;
    }
    if (!attachment.awaits_resend(delivery)) continue;
    if (!may_receive(rules, session, delivery.message->topic())) {
      revoked.push_back(delivery.packet_id);
      continue;
    }
    if (!fits_client(attachment, *delivery.message, delivery.qos, identifier_count(delivery))) {
      too_large.push_back(delivery.packet_id);
      continue;
    }
    if (seat.outstanding() >= attachment.window) continue;
    attachment.resend_from = delivery.sequence + 1;
    --attachment.resend_left;
    emit_publish(attachment.conn, delivery, true, s.last_lsn, out);
  }
  // Treated as if delivered ([MQTT-3.1.2-25]).
  for (std::uint16_t id : too_large)
    counters.dropped_too_large += take_back(session, id, true, out);
  for (std::uint16_t id : revoked) counters.dropped_revoked += take_back(session, id, true, out);
  attachment.resend_left -= static_cast<std::uint32_t>(too_large.size() + revoked.size());
}

// Takes a delivery in flight back. A QoS 2 message that the client may have already is ended as if
// it had said so: else it would take the next one under this identifier for the same.
bool Engine::Impl::take_back(const Session& session, std::uint16_t packet_id, bool resent,
                             Effects& out) {
  const std::size_t index = session.queue.find(packet_id);
  if (index == DeliveryQueue::kNone || session.queue[index].stage != DeliveryStage::sent)
    return false;
  if (resent && session.queue[index].qos == 2)
    commit(session.id, Received{session.id, packet_id}, out);
  else
    commit(session.id, Acked{session.id, packet_id}, out);
  return true;
}

void Engine::withdraw(Origin from, std::uint16_t packet_id, bool resent, TimeMs now, Effects& out) {
  Seat* seat = impl_->attached(from);
  if (!seat) return;
  impl_->counters.dropped_revoked += impl_->take_back(*seat->session, packet_id, resent, out);
  impl_->pump(*seat, now, out);
}

}  // namespace tandemq::core
