// Records about the life of sessions: reign, open, close, remove, wills.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/core/state_impl.h"
#include "broker/core/text_hash.h"

namespace tandemq::core {

namespace {

constexpr TimeMs kGraceWithoutKeepAlive = 60'000;

// How long a client whose primary died may take to come back.
TimeMs grace(const Session& session) {
  return session.keep_alive_s == 0 ? kGraceWithoutKeepAlive : session.keep_alive_s * TimeMs{1500};
}

SessionId following(SessionId id, SessionId first) {
  const SessionId next = id + 1;
  return is_volatile(next) == is_volatile(first) && next != 0 ? next : first;
}

}  // namespace

TimeMs State::Impl::session_end(const Session& session) {
  if (session.connected || session.expiry_s == kNeverExpires) return 0;
  TimeMs wait = session.expiry_s * TimeMs{1000};
  if (session.orphaned) wait = std::max(wait, grace(session));
  return std::max<TimeMs>(session.closed_at + wait, 1);
}

TimeMs State::Impl::will_due(const Session& session) {
  if (session.connected || !session.will) return 0;
  TimeMs wait = session.will->delay_s * TimeMs{1000};
  if (session.orphaned) wait = std::max(wait, grace(session));
  const TimeMs due = std::max<TimeMs>(session.closed_at + wait, 1);
  const TimeMs end = session_end(session);
  return end != 0 ? std::min(due, end) : due;
}

TimeMs State::Impl::next_due(const Session& session) {
  TimeMs due = 0;
  for (TimeMs at : {will_due(session), session_end(session), session.queue_expiry_min})
    if (at != 0 && (due == 0 || at < due)) due = at;
  return due;
}

void State::Impl::reschedule(Session& session) {
  const TimeMs due = next_due(session);
  if (due == 0 || (session.scheduled_at != 0 && session.scheduled_at <= due)) return;
  session.scheduled_at = due;
  schedule.push({due, session.id});
  if (schedule.size() > 64 + 4 * by_id.size())
    schedule.compact([this](const Schedule::Entry& entry) {
      const Session* held = find(entry.session);
      return held && held->scheduled_at == entry.at;
    });
}

void State::Impl::reschedule_after_pop(Session& session) {
  session.scheduled_at = 0;
  reschedule(session);
}

void State::Impl::attach(Session& session, ConnId conn, std::uint16_t window,
                         std::uint32_t packet_size_max) {
  session.link = {};
  session.link.conn = conn;
  session.link.connack_after = last_lsn;
  session.link.window = window;
  session.link.maximum_packet_size = packet_size_max;
  for (std::size_t i = 0; i < session.queue.inflight(); ++i) {
    Delivery& delivery = session.queue[i];
    delivery.resend = delivery.stage == DeliveryStage::sent;
    session.link.resend_left += delivery.resend;
  }
}

void State::Impl::detach(Session& session) {
  session.link = {};
}

Session& State::Impl::add_session(SessionId id, std::string_view client_id) {
  auto* session = new Session;
  session->id = id;
  session->client_id = client_id;
  session->hash = hash_text(client_id, seed);
  by_id.insert(id, session);
  by_client.insert(session->hash, session);
  return *session;
}

void State::Impl::apply(Lsn lsn, const ReignBegan& r, Effects*) {
  note(lsn);
  note_time(r.time);
  epoch = r.epoch;
  reign = {};
  // The result does not depend on the order of the table.
  by_id.each([&](Session& session) {
    if (is_volatile(session.id)) return;
    // One that did not come back during an earlier reign's grace had no chance in between either.
    if (!session.connected && !session.orphaned) return;
    if (session.connected) --connected;
    session.connected = false;
    session.orphaned = true;
    session.closed_at = r.time;
    ++reign.sessions_before;
    reschedule(session);
  });
}

void State::Impl::apply(Lsn lsn, const SessionOpened& r, Effects*) {
  note(lsn);
  if (lsn != 0) note_time(r.time);
  Session& session = r.resumed ? require(r.session) : add_session(r.session, r.client_id);
  if (!session.connected) ++connected;
  session.connected = true;
  session.orphaned = false;
  session.closed_at = 0;
  session.version = r.version;
  session.keep_alive_s = r.keep_alive_s;
  session.expiry_s = r.expiry_s;
  session.username = r.username;
  session.will = r.has_will ? std::make_unique<WillRecord>(r.will) : nullptr;
  if (r.resumed) return;
  if (is_volatile(r.session))
    next_volatile = following(r.session, kVolatileBit | 1);
  else
    next_session = following(r.session, 1);
}

void State::Impl::apply(Lsn lsn, const SessionClosed& r, Effects*) {
  note(lsn);
  if (lsn != 0) note_time(r.time);
  Session& session = require(r.session);
  if (session.connected) --connected;
  session.connected = false;
  session.orphaned = false;
  session.closed_at = r.time;
  session.expiry_s = r.expiry_s;
  if (r.drop_will) session.will.reset();
  reschedule(session);
}

#ifdef TANDEMQ_NEXT
void State::Impl::apply(Lsn lsn, const Noted& r, Effects*) {
  note(lsn);
  note_time(r.time);
}
#endif

void State::Impl::apply(Lsn lsn, const SessionRemoved& r, Effects*) {
  note(lsn);
  remove(require(r.session));
}

void State::Impl::apply(Lsn lsn, const WillSettled& r, Effects*) {
  note(lsn);
  require(r.session).will.reset();
}

void State::Impl::remove(Session& session) {
  if (session.connected) --connected;
  for (std::size_t i = 0; i < session.queue.size(); ++i)
    if (const MessageRef& message = session.queue[i].message) queued_bytes -= message->footprint();
  queued -= session.queue.size();
  subscriptions.remove_all(session);
  by_client.erase(session.hash, &session);
  by_id.erase(session.id, &session);
  delete &session;
}

}  // namespace tandemq::core
