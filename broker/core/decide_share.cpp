// A share of which one member outlives its connection owes that one what the others leave: their
// sessions go through the journal, too.
#include <algorithm>
#include <string>

#include "broker/core/engine_impl.h"

namespace tandemq::core {

namespace {

// A subscription that does not depend on the session that had it.
struct HeldSubscription {
  std::string filter;
  SubscriptionFields fields;  // but for the filter
};

// What a session is made of, apart from the state.
struct SessionCopy {
  explicit SessionCopy(const Session& session);

  std::string client_id, username, listener;
  SessionOpened opened;
  std::vector<HeldSubscription> subscriptions;
  std::vector<Delivery> queue;
  std::vector<std::uint16_t> inbound;
};

SessionCopy::SessionCopy(const Session& session)
    : client_id(session.client_id),
      username(session.username),
      listener(session.listener),
      inbound(session.inbound.ids()) {
  opened.version = session.version;
  opened.keep_alive_s = session.keep_alive_s;
  opened.expiry_s = session.expiry_s;
  opened.client_id = client_id;
  opened.username = username;
  opened.listener = listener;
  for (const SessionSubscription& one : session.subscriptions) {
    std::string composed;
    const SubscriptionFields fields = Subscriptions::fields_of(one, composed);
    subscriptions.push_back({std::string(fields.filter), fields});
  }
  for (std::size_t i = 0; i < session.queue.size(); ++i) queue.push_back(session.queue[i]);
}

// `empty`: stands for a message that is the client's already, of which the identifier is left.
Published as_record(SessionId session, const Delivery& delivery, const MessageRef& empty,
                    TimeMs now) {
  Published record;
  record.time = now;
  record.message = delivery.message ? delivery.message : empty;
  Target& target = record.targets.emplace_back();
  target.session = session;
  target.packet_id = delivery.packet_id;
  target.qos = delivery.qos;
  target.retain = delivery.retain;
  if (delivery.detail) target.subscription_ids = delivery.detail->subscription_ids;
  return record;
}

bool outlives_connection(const Subscriber& member) {
  return member.qos() != 0 && member.session().expiry_s != 0;
}

}  // namespace

// Its session begins anew in the journal with all that it has, in the same seat. While nobody is
// attached there, applying the records tells the client nothing.
void Engine::Impl::make_durable(Seat& seat, TimeMs now, Effects& out) {
  SessionCopy copy(*seat.session);
  Seat before = std::move(seat);
  remove_session(*before.session, out);
  const SessionId id = copy.opened.session = free_session_id(true);
  copy.opened.time = now;
  commit(id, copy.opened, out);
  const Session& session = *s.find(id);
  const Seat& given = seats.give(session);
  TMQ_CHECK(&given == &seat);

  subscribed.session = id;
  for (HeldSubscription& one : copy.subscriptions) {
    one.fields.filter = one.filter;
    name_filter(one.fields, out);
  }
  commit_filters(out);
  const MessageRef empty = Message::create({});
  for (const Delivery& one : copy.queue) {
    commit(id, as_record(id, one, empty, now), out);
    if (one.stage == DeliveryStage::received) commit(id, Received{id, one.packet_id}, out);
  }
  Published taken_over;
  taken_over.time = now;
  taken_over.publisher = id;
  taken_over.message = empty;
  for (const std::uint16_t inbound : copy.inbound) {
    taken_over.inbound_id = inbound;
    commit(id, taken_over, out);
  }

  seat.attachment = std::move(before.attachment);
  seat.held = std::move(before.held);
  seat.room = before.room;
  seat.room.last_sequence = session.next_sequence - 1;
  seat.queue_due = before.queue_due;
  reschedule(seat);
}

void Engine::Impl::keep_share(const ShareGroup& group, TimeMs now, Effects& out) {
  const SubscriberList& members = group.members;
  if (std::none_of(members.begin(), members.end(), outlives_connection)) return;
  std::vector<SeatId> to_keep;
  for (const Subscriber& member : members) {
    const Session& session = member.session();
    // One that is not attached is ending, its messages are being passed on.
    const bool attached = seats.of(session).attachment.conn != 0;
    if (member.qos() != 0 && is_volatile(session.id) && attached) to_keep.push_back(session.seat);
  }
  for (const SeatId seat : to_keep) make_durable(seats[seat], now, out);
}

}  // namespace tandemq::core
