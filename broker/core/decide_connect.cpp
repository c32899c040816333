// CONNECT: which session the client gets, and what becomes of the one it had.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/core/engine_impl.h"

namespace tandemq::core {

using mqtt::Reason;

namespace {

std::uint32_t wanted_expiry(const mqtt::Connect& packet) {
  if (packet.version == mqtt::Version::v5) return packet.properties.session_expiry_s;
  return packet.clean_start ? 0 : kNeverExpires;
}

std::uint16_t keep_alive_of(const mqtt::Connect& packet, const Limits& limits) {
  const std::uint16_t most = limits.keep_alive_s_max;
  const bool too_long = packet.keep_alive_s == 0 || packet.keep_alive_s > most;
  return most != 0 && too_long ? most : packet.keep_alive_s;
}

SessionOpened decide_opened(const ConnectRequest& request, std::string_view client_id,
                            std::uint32_t expiry_s, std::uint16_t keep_alive_s, TimeMs now) {
  const mqtt::Connect& packet = request.packet;
  SessionOpened opened;
  opened.time = now;
  opened.version = static_cast<std::uint8_t>(packet.version);
  opened.keep_alive_s = keep_alive_s;
  opened.expiry_s = expiry_s;
  opened.client_id = client_id;
  opened.username = packet.username;
  opened.listener = request.listener;
  opened.has_will = packet.has_will;
  if (!packet.has_will) return opened;
  const mqtt::Will& will = packet.will;
  opened.will = {Message::create(
                     {will.topic, will.payload, will.properties.forward, will.qos, will.retain, 0}),
                 will.delay_s, will.properties.message_expiry_s,
                 will.properties.has_message_expiry};
  return opened;
}

// A CONNECT that the core cannot accept; success when it can.
Reason refusal_of(const mqtt::Connect& packet, const Limits& limits) {
  if (packet.client_id.empty() && !limits.allow_zero_length_client_id)
    return Reason::client_id_not_valid;
  // [MQTT-3.1.3-8] of 3.1.1; 3.1 knows no empty client identifiers.
  if (packet.client_id.empty() && packet.version != mqtt::Version::v5 &&
      !(packet.version == mqtt::Version::v311 && packet.clean_start))
    return Reason::client_id_not_valid;
  if (packet.has_will && packet.will.qos > limits.maximum_qos) return Reason::qos_not_supported;
  if (packet.has_will && packet.will.retain && !limits.retain_available)
    return Reason::retain_not_supported;
  // Who cannot be told another keep alive is refused, as by mosquitto.
  if (packet.version != mqtt::Version::v5 && keep_alive_of(packet, limits) != packet.keep_alive_s)
    return Reason::client_id_not_valid;
  return Reason::success;
}

// Of what an ended session leaves to the other members of its shares.
constexpr int kPiecesAtOnce = 8;

// A session is its user's. What an anonymous client left is whose who knows the identifier, so that
// a fleet can be given users; while that client is there, it is its own.
bool is_anothers(const Session& session, const mqtt::Connect& packet) {
  if (session.username == packet.username) return false;
  return !session.username.empty() || session.connected;
}

}  // namespace

void Engine::Impl::refuse_connect(ConnId conn, Reason reason, Effects& out, const char* why) {
  Effect& connack = out.emplace_back();
  connack.kind = EffectKind::connack;
  connack.reason = reason;
  connack.conn = conn;
  EffectDetail detail;
  detail.reason_string = why;
  connack.detail = share(std::move(detail));
  Effect& close = out.emplace_back();
  close.kind = EffectKind::close;
  close.conn = conn;
}

SessionId Engine::Impl::free_session_id(bool durable) const {
  SessionId id = durable ? s.next_session : s.next_volatile;
  const SessionId first = durable ? 1 : kVolatileBit | 1;
  // Only after two billion sessions can a number be in use still.
  while (s.find(id)) {
    ++id;
    if (id == kNoSession || is_volatile(id) == durable) id = first;
  }
  return id;
}

Engine::Impl::Settled Engine::Impl::settle_old(const Session& old, bool clean_start, TimeMs now,
                                               Effects& out) {
  Seat& seat = seats.of(old);
  const bool was_attached = seat.attachment.conn != 0;
  if (was_attached) {
    Effect& effect = out.emplace_back();
    effect.kind = EffectKind::disconnect;
    effect.reason = Reason::session_taken_over;
    effect.conn = seat.attachment.conn;
    detach(seat);
  }
  if (old.orphaned) ++reign.sessions_back;
  // Without expiry a session ends with its connection, whatever the newcomer asks for.
  const bool ends = clean_start || old.expiry_s == 0;
  // 5.0 section 3.1.4: the will of the connection that is taken over is published when its session
  // ends by this or it has no delay. A will that waits already is dropped ([MQTT-3.1.2-8]).
  const bool will_now = was_attached && old.will && (ends || old.will->delay_s == 0);
  if (ends) {
    if (!end_session(old, now, will_now, out)) {
      // The newcomer has its identifier: what it leaves goes to others now, or, where one turn is
      // not enough, before the newcomer is let in.
      int pieces = 1;
      while (!pass_on_leftovers(old, now, out)) {
        if (++pieces > kPiecesAtOnce) return Settled::ending;
      }
      remove_session(old, out);
    }
  } else if (will_now) {
    publish_will(old, now, out);
  }
  return ends ? Settled::gone : Settled::resumed;
}

SeatId Engine::connect(const ConnectRequest& request, TimeMs now, Effects& out) {
  Impl& e = *impl_;
  const mqtt::Connect& packet = request.packet;
  if (const Reason refused = refusal_of(packet, e.limits); refused != Reason::success) {
    e.refuse_connect(request.conn, refused, out);
    return kNoSeat;
  }
  const bool v5 = packet.version == mqtt::Version::v5;
  const bool assigned = packet.client_id.empty();
  const std::string_view client_id = assigned ? request.assigned_client_id : packet.client_id;
  const std::uint32_t wanted_s = wanted_expiry(packet);
  const std::uint32_t expiry_s = std::min(wanted_s, e.limits.session_expiry_s_max);

  const Session* old = e.s.find_client(client_id);
  const std::uint16_t keep_alive_s = keep_alive_of(packet, e.limits);
  const bool anothers = old && is_anothers(*old, packet);
  if (anothers && e.limits.others_session == OthersSession::refuse) {
    ++e.counters.refused_others_session;
    e.refuse_connect(request.conn, Reason::client_id_not_valid, out,
                     "the session belongs to another user");
    return kNoSeat;
  }
  if (!old && e.growth_refused) {
    ++e.counters.refused_growth;
    e.refuse_connect(request.conn, Reason::quota_exceeded, out, "memory is tight, no new sessions");
    return kNoSeat;
  }
  using Settled = Impl::Settled;
  const Settled settled =
      old ? e.settle_old(*old, packet.clean_start || anothers, now, out) : Settled::gone;
  if (settled == Settled::ending) {
    e.refuse_connect(request.conn, Reason::server_busy, out,
                     "what the former session left is being passed on to others");
    return kNoSeat;
  }
  const bool resumed = settled == Settled::resumed;
  SessionOpened opened = decide_opened(request, client_id, expiry_s, keep_alive_s, now);
  opened.resumed = resumed;
  opened.session = resumed ? old->id : e.free_session_id(expiry_s > 0 || packet.has_will);
  e.commit(opened.session, opened, out);

  const Session& session = *e.s.find(opened.session);
  Seat& seat = resumed ? e.seats.of(session) : e.seats.give(session);
  const std::uint16_t window =
      v5 ? std::min(packet.properties.receive_maximum, e.limits.inflight_maximum)
         : e.limits.inflight_maximum;
  e.attach(seat, request.conn, window, v5 ? packet.properties.maximum_packet_size : 0);
  TMQ_CHECK(!request.grants || e.rules.permissions);
  seat.held = {};
  seat.held.own = request.grants;

  EffectDetail detail;
  detail.session_present = resumed;
  if (assigned && v5) detail.assigned_client_id = client_id;
  detail.session_expiry_s = expiry_s;
  detail.session_expiry_changed = v5 && expiry_s != wanted_s;
  if (keep_alive_s != packet.keep_alive_s) detail.server_keep_alive_s = keep_alive_s;
  e.tell(seat, EffectKind::connack, 0, Reason::success, out);
  out.back().detail = share(std::move(detail));
  if (resumed) {
    e.resend(seat, true, out);
    e.send_kept(seat, now, out);
    e.pump(seat, now, out);
  }
  return session.seat;
}

}  // namespace tandemq::core
