// Whether a record from outside (journal, peer) fits this state. What fails here would break an
// invariant in apply: the histories differ, or the journal is not this state's.
#include <utility>

#include "broker/core/id_run.h"
#include "broker/core/record_codec.h"
#include "broker/core/state_impl.h"

namespace tandemq::core {

namespace {

using Impl = State::Impl;

constexpr const char* kUnreadable =
    "cannot be read; it was written by another version, or is damaged";
constexpr const char* kNoSuchSession = "names a session that does not exist here";
constexpr const char* kNotInFlight = "names a packet identifier that is not in flight";

const Session* durable(const Impl& s, SessionId id) {
  return is_volatile(id) ? nullptr : s.find(id);
}

const Delivery* in_flight(const Session& session, std::uint16_t packet_id) {
  const std::size_t i = session.queue.find(packet_id);
  return i == DeliveryQueue::kNone ? nullptr : &session.queue[i];
}

const char* fault_of_target(const Impl& s, const Target& target) {
  const Session* session = durable(s, target.session);
  if (!session) return kNoSuchSession;
  if (target.packet_id == 0) return nullptr;
  if (target.qos == 0) return "has a delivery with QoS 0 in flight";
  if (session->queue.queued() != 0) return "sends a message past those that wait";
  if (in_flight(*session, target.packet_id)) return "uses a packet identifier that is in use";
  return nullptr;
}

const char* fault_of(const Impl&, const ReignBegan&) {
  return nullptr;
}

const char* fault_of(const Impl& s, const SessionOpened& r) {
  if (r.session == kNoSession || is_volatile(r.session)) return kNoSuchSession;
  const Session* session = s.find(r.session);
  const Session* holder = s.find_client(r.client_id);
  if (r.resumed && (!session || session != holder)) return kNoSuchSession;
  if (!r.resumed && (session || holder)) return "opens a session that exists already";
  return nullptr;
}

// A session may get several copies (shared subscriptions): none goes past one that waits, and no
// two under the same identifier.
const char* fault_of_copy(SessionId session, const Published& r, std::size_t index) {
  for (std::size_t i = 0; i < index; ++i)
    if (r.targets[i].session == session &&
        (r.targets[i].packet_id == 0 || r.targets[i].packet_id == r.targets[index].packet_id))
      return "has copies for one session that exclude each other";
  return nullptr;
}

bool waits(const Session& session, std::uint64_t sequence) {
  const std::size_t i = session.queue.lower_bound(sequence);
  return i >= session.queue.inflight() && i < session.queue.size() &&
         session.queue[i].sequence == sequence;
}

const char* fault_of(Impl& s, const Published& r) {
  const Session* publisher = durable(s, r.publisher);
  if (!publisher && (r.publisher != kNoSession || r.is_will || r.inbound_id != 0))
    return kNoSuchSession;
  if (r.is_will && !publisher->will) return "publishes a will that does not exist here";
  if (r.moved_from != kNoSession) {
    const Session* from = durable(s, r.moved_from);
    if (!from) return kNoSuchSession;
    if (!waits(*from, r.moved_sequence)) return "passes on a delivery that does not wait";
    for (const Target& target : r.targets)
      if (target.session == r.moved_from) return "passes a delivery on to its own session";
  }
  for (std::size_t i = 0; i < r.targets.size(); ++i) {
    const Target& target = r.targets[i];
    if (const char* fault = fault_of_target(s, target)) return fault;
    if (r.targets.size() == 1 || !s.seen_in_check(target.session) || target.packet_id == 0)
      continue;
    if (const char* fault = fault_of_copy(target.session, r, i)) return fault;
  }
  return nullptr;
}

const char* fault_of(const Impl& s, const RetainedQueued& r) {
  const Session* session = durable(s, r.session);
  if (!session) return kNoSuchSession;
  bool waiting = session->queue.queued() != 0;
  IdRun run;
  for (const RetainedQueued::Item& item : r.items) {
    if (!s.retained.find(item.topic)) return "names a retained message that does not exist here";
    if (item.target.qos == 0) return "has a delivery with QoS 0";
    if (item.target.packet_id == 0)
      waiting = true;
    else if (waiting || !run.take(item.target.packet_id) ||
             in_flight(*session, item.target.packet_id))
      return "sends a message past those that wait, or under an identifier in use";
  }
  return nullptr;
}

const char* fault_of(const Impl& s, const Sent& r) {
  const Session* session = durable(s, r.session);
  if (!session) return kNoSuchSession;
  if (r.packet_ids.size() > session->queue.queued()) return "sends more than waits";
  IdRun run;
  for (std::uint16_t id : r.packet_ids)
    if (!run.take(id) || in_flight(*session, id)) return "uses a packet identifier that is in use";
  return nullptr;
}

const char* fault_of(const Impl& s, const Dropped& r) {
  const Session* session = durable(s, r.session);
  if (!session) return kNoSuchSession;
  std::uint64_t before = 0;
  for (std::uint64_t sequence : r.sequence) {
    if (!waits(*session, sequence) || sequence <= before)
      return "drops a delivery that does not wait";
    before = sequence;
  }
  return nullptr;
}

const char* fault_of(const Impl& s, const RetainedExpired& r) {
  return s.retained.find(r.topic) ? nullptr : "names a retained message that does not exist here";
}

// fits(session, id): whether the session's state has the identifier where the record says.
template <class R, class Fits>
const char* fault_of_ids(const Impl& s, const R& r, const char* fault, const Fits& fits) {
  const Session* session = durable(s, r.session);
  if (!session) return kNoSuchSession;
  IdRun run;
  bool sound = true;
  each_packet_id(r, [&](std::uint16_t id) { sound = sound && run.take(id) && fits(*session, id); });
  return sound ? nullptr : fault;
}
bool flies(const Session& session, std::uint16_t id) {
  return in_flight(session, id) != nullptr;
}
const char* fault_of(const Impl& s, const Acked& r) {
  return fault_of_ids(s, r, kNotInFlight, flies);
}
const char* fault_of(const Impl& s, const Completed& r) {
  return fault_of_ids(s, r, kNotInFlight, flies);
}
const char* fault_of(const Impl& s, const Received& r) {
  return fault_of_ids(s, r, kNotInFlight, [](const Session& session, std::uint16_t id) {
    const Delivery* delivery = in_flight(session, id);
    return delivery && delivery->stage == DeliveryStage::sent;
  });
}
const char* fault_of(const Impl& s, const Released& r) {
  return fault_of_ids(
      s, r, "releases an identifier that is not held",
      [](const Session& session, std::uint16_t id) { return session.inbound.contains(id); });
}

const char* fault_of(const Impl& s, const WillSettled& r) {
  const Session* session = durable(s, r.session);
  if (!session) return kNoSuchSession;
  return session->will ? nullptr : "settles a will that does not exist here";
}

const char* fault_of(const Impl& s, const AccountSet& r) {
  const bool known = r.exists || s.accounts.of(r.account.kind).contains(r.account.name);
  return known ? nullptr : "removes a user or role that does not exist here";
}

const char* fault_of_session(const Impl& s, SessionId id) {
  return durable(s, id) ? nullptr : kNoSuchSession;
}
const char* fault_of(const Impl& s, const SessionClosed& r) {
  return fault_of_session(s, r.session);
}
const char* fault_of(const Impl& s, const SessionRemoved& r) {
  return fault_of_session(s, r.session);
}
const char* fault_of(const Impl& s, const Subscribed& r) {
  return fault_of_session(s, r.session);
}
const char* fault_of(const Impl& s, const Unsubscribed& r) {
  return fault_of_session(s, r.session);
}

// `r`: scratch; holds on to no message.
template <class R>
const char* take(Impl& s, Lsn lsn, std::string_view body, std::uint8_t version, R& r) {
  if (!decode_body(body, r, version)) return kUnreadable;
  if (const char* fault = fault_of(s, r)) return fault;
  s.apply(lsn, r, nullptr);
  if constexpr (requires { r.message; }) r.message = {};
  if constexpr (requires { r.will; }) r.will.message = {};
  return nullptr;
}

}  // namespace

bool State::Impl::seen_in_check(SessionId id) {
  return std::exchange(require(id).checked_by, checks) == checks;
}

const char* State::Impl::apply_encoded(Lsn lsn, Kind kind, std::string_view body,
                                       std::uint8_t written) {
  ++checks;
  switch (kind) {
#define TMQ_X(number, kind, type, version) \
  case Kind::kind:                         \
    return take(*this, lsn, body, written, decoded.kind);
    TMQ_RECORD_KINDS(TMQ_X)
#undef TMQ_X
  }
  return kUnreadable;
}

}  // namespace tandemq::core
