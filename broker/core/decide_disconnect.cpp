// The end of a connection, and of a session.
#include <algorithm>

#include "broker/core/engine_impl.h"

namespace tandemq::core {

using mqtt::Reason;

// The session is over now; `will`: its will, if it has one, is published first. False when there is
// more to pass on to others than one turn should do: it stays, expired, until expire() has done it.
bool Engine::Impl::end_session(const Session& session, TimeMs now, bool will, Effects& out) {
  Seat& seat = seats.of(session);
  detach(seat);
  if (will && session.will) publish_will(session, now, out);
  if (pass_on_leftovers(session, now, out)) {
    remove_session(session, out);
    return true;
  }
  if (session.connected || session.expiry_s != 0)
    commit(session.id, SessionClosed{session.id, now, 0, true}, out);
  reschedule(seat);
  return false;
}

void Engine::Impl::close_session(const Session& session, std::uint32_t expiry_s, bool drop_will,
                                 TimeMs now, Effects& out) {
  if (expiry_s == 0) return static_cast<void>(end_session(session, now, !drop_will, out));
  Seat& seat = seats.of(session);
  detach(seat);
  commit(session.id, SessionClosed{session.id, now, expiry_s, drop_will}, out);
  reschedule(seat);
  if (session.will && session.will->delay_s == 0) publish_will(session, now, out);
}

bool Engine::disconnect(Origin from, const mqtt::Disconnect& packet, TimeMs now, Effects& out) {
  Impl& e = *impl_;
  Seat* seat = e.attached(from);
  if (!seat) return true;
  const Session& session = *seat->session;
  std::uint32_t expiry_s = session.expiry_s;
  if (session.is_v5() && packet.properties.has(mqtt::Property::session_expiry)) {
    // 5.0 section 3.14.2.2.2: a session that was to end with its connection cannot be prolonged.
    if (expiry_s == 0 && packet.properties.session_expiry_s != 0) {
      e.refuse(*seat, Reason::protocol_error, out);
      return false;
    }
    expiry_s = std::min(packet.properties.session_expiry_s, e.limits.session_expiry_s_max);
  }
  // Any reason but 0x00 leaves the will ([MQTT-3.14.4-3]); 3.x has no other.
  e.close_session(session, expiry_s, packet.reason == Reason::success, now, out);
  return true;
}

void Engine::disconnected(Origin from, TimeMs now, Effects& out) {
  const Seat& seat = impl_->seats[from.seat];
  if (seat.attachment.conn != from.conn) return;
  impl_->close_session(*seat.session, seat.session->expiry_s, false, now, out);
}

}  // namespace tandemq::core
