// Records about the life of sessions: reign, open, close, remove, wills.
#include "broker/base/check.h"
#include "broker/core/state_impl.h"
#include "broker/core/text_hash.h"

namespace tandemq::core {

namespace {

SessionId following(SessionId id, SessionId first) {
  const SessionId next = id + 1;
  return is_volatile(next) == is_volatile(first) && next != 0 ? next : first;
}

}  // namespace

Session& State::Impl::add_session(SessionId id, std::string_view client_id) {
  auto* session = new Session;
  session->id = id;
  session->client_id = client_id;
  session->hash = hash_text(client_id, seed);
  session->seat = seats.take();
  by_id.insert(id, session);
  by_client.insert(session->hash, session);
  return *session;
}

void State::Impl::apply(Lsn lsn, const ReignBegan& r, const Audience*) {
  note(lsn);
  note_time(r.time);
  epoch = r.epoch;
  // The result does not depend on the order of the table.
  by_id.each([&](Session& session) {
    if (is_volatile(session.id)) return;
    // One that did not come back during an earlier reign's grace had no chance in between either.
    if (!session.connected && !session.orphaned) return;
    if (session.connected) --connected;
    session.connected = false;
    session.orphaned = true;
    session.closed_at = r.time;
  });
}

void State::Impl::apply(Lsn lsn, const SessionOpened& r, const Audience*) {
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
  session.listener = r.listener;
  session.will = r.has_will ? std::make_unique<const WillRecord>(r.will) : nullptr;
  if (r.resumed) return;
  if (is_volatile(r.session))
    next_volatile = following(r.session, kVolatileBit | 1);
  else
    next_session = following(r.session, 1);
}

void State::Impl::apply(Lsn lsn, const SessionClosed& r, const Audience*) {
  note(lsn);
  if (lsn != 0) note_time(r.time);
  Session& session = require(r.session);
  if (session.connected) --connected;
  session.connected = false;
  session.orphaned = false;
  session.closed_at = r.time;
  session.expiry_s = r.expiry_s;
  if (r.drop_will) session.will.reset();
}

#ifdef TANDEMQ_NEXT
void State::Impl::apply(Lsn lsn, const Noted& r, const Audience*) {
  note(lsn);
  note_time(r.time);
}
#endif

void State::Impl::apply(Lsn lsn, const SessionRemoved& r, const Audience*) {
  note(lsn);
  remove(require(r.session));
}

void State::Impl::apply(Lsn lsn, const WillSettled& r, const Audience*) {
  note(lsn);
  require(r.session).will.reset();
}

void State::Impl::remove(Session& session) {
  if (session.connected) --connected;
  for (std::size_t i = 0; i < session.queue.size(); ++i)
    if (const MessageRef& message = session.queue[i].message) forget_bytes(message->footprint());
  TMQ_CHECK(queued >= session.queue.size());
  queued -= session.queue.size();
  subscriptions.remove_all(session);
  by_client.erase(session.hash, &session);
  by_id.erase(session.id, &session);
  seats.give_back(session.seat);
  delete &session;
}

}  // namespace tandemq::core
