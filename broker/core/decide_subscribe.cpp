// SUBSCRIBE and UNSUBSCRIBE, and the retained messages that a new subscription is sent.
#include <algorithm>
#include <map>
#include <set>

#include "broker/core/engine_impl.h"
#include "broker/core/topic_levels.h"
#include "broker/mqtt/topic.h"

namespace tandemq::core {

using mqtt::Reason;

namespace {

bool is_shared(std::string_view filter) {
  return !mqtt::split_shared(filter).group.empty();
}

constexpr std::size_t kRetainedPerRecord = 1000;
constexpr std::size_t kLookAhead = 64;          // topic levels
constexpr std::size_t kFilterBytes = 7;         // of a record, beside the text
constexpr std::size_t kRetainedBytes = 11;      // the same
constexpr std::size_t kBytesLikeATopic = 1024;  // of a message, as work

DetailRef detail_of(std::vector<Reason> codes) {
  EffectDetail detail;
  detail.codes = std::move(codes);
  return share(std::move(detail));
}

}  // namespace

// The code for one filter: granted QoS or what speaks against it. `added`: new subscriptions that
// this packet has made so far.
Reason Engine::Impl::check_filter(const Session& session, const mqtt::SubscribeFilter& filter,
                                  std::size_t added) const {
  if (!mqtt::valid_topic_filter(filter.filter)) return Reason::topic_filter_invalid;
  if (level_count(mqtt::split_shared(filter.filter).filter) > limits.topic_levels_max)
    return Reason::topic_filter_invalid;
  const Grants* grants = grants_of(rules, session);
  if (grants && !grants->may_subscribe(filter.filter)) return Reason::not_authorized;
  const bool full = session.subscriptions.size() + added >= limits.subscriptions_per_session_max;
  if ((full || growth_refused) && !s.subscriptions.contains(session, filter.filter)) {
    counters.refused_growth += growth_refused;
    return Reason::quota_exceeded;
  }
  return static_cast<Reason>(std::min(filter.qos, limits.maximum_qos));
}

// Whether a new subscription is to be sent any. Who would have to look far for that says yes.
bool Engine::Impl::has_retained(std::string_view filter) const {
  RetainedCursor cursor(s.retained, filter, cursors);
  std::size_t budget = kLookAhead;
  return cursor.next(budget) || !cursor.at_end();
}

// Into `subscribed`; more than one record may name goes into further ones.
void Engine::Impl::name_filter(const SubscriptionFields& fields, Effects& out) {
  subscribed.subscriptions.push_back(fields);
  subscribed_bytes += kFilterBytes + fields.filter.size();
  if (subscribed_bytes >= limits.record_list_bytes_max) commit_filters(out);
}

void Engine::Impl::commit_filters(Effects& out) {
  if (!subscribed.subscriptions.empty()) commit(subscribed.session, subscribed, out);
  subscribed.subscriptions.clear();
  subscribed_bytes = 0;
}

// Decides on one filter after the other. One that is named twice gets its retained messages once.
void Engine::Impl::subscribe_to(const Seat& seat, const mqtt::Subscribe& packet, RetainedFeed& feed,
                                Effects& out) {
  const Session& session = *seat.session;
  std::map<std::string_view, bool> named;  // in this packet so far; whether it is in the feed
  std::size_t added = 0;                   // new in the record that is being filled
  subscribed.session = session.id;
  for (const mqtt::SubscribeFilter& f : packet.filters) {
    if (subscribed.subscriptions.empty()) added = 0;
    const Reason code = check_filter(session, f, added);
    if (code == Reason::not_authorized) {
      ++counters.refused_not_authorized;
      deny(Denial::What::subscribe, session, f.filter);
    }
    const bool refused = mqtt::is_error(code);
    feed.codes.push_back(refused && !session.is_v5() ? Reason::unspecified_error : code);
    if (refused) continue;
    const auto [seen, is_first] = named.try_emplace(f.filter, false);
    const SessionSubscription* held = s.subscriptions.of(session, f.filter);
    if (is_first && !held) ++added;
    const bool is_new = is_first && (!held || held->retained_owed());
    const bool wanted = f.retain_handling == 0 || (f.retain_handling == 1 && is_new);
    SubscriptionFields fields{f.filter,          static_cast<std::uint8_t>(code),
                              f.no_local,        f.retain_as_published,
                              f.retain_handling, packet.properties.subscription_identifier};
    if (!seen->second && wanted && !is_shared(f.filter) && has_retained(f.filter)) {
      feed.filters.push_back({std::string(f.filter), fields});
      feed.filters.back().fields.filter = {};
      seen->second = true;
    }
    fields.retained_owed = seen->second;
    name_filter(fields, out);
  }
  commit_filters(out);
}

// What the packet's shares ask for by their new members. May give a session another place: the
// seat's is to be looked up again.
void Engine::Impl::keep_shares(const Seat& seat, const mqtt::Subscribe& packet,
                               const std::vector<Reason>& codes, TimeMs now, Effects& out) {
  for (std::size_t i = 0; i < packet.filters.size(); ++i) {
    const std::string_view filter = packet.filters[i].filter;
    if (!mqtt::is_error(codes[i]) && is_shared(filter))
      keep_share(*s.subscriptions.of(*seat.session, filter)->group(), now, out);
  }
}

std::unique_ptr<RetainedFeed> Engine::subscribe(Origin from, const mqtt::Subscribe& packet,
                                                TimeMs now, Effects& out) {
  Impl& e = *impl_;
  Seat* seat = e.attached(from);
  if (!seat) return nullptr;
  const bool shared_no_local =
      seat->session->is_v5() &&
      std::any_of(packet.filters.begin(), packet.filters.end(),
                  [](const auto& f) { return f.no_local && is_shared(f.filter); });
  if (shared_no_local) {
    e.refuse(*seat, Reason::protocol_error, out);  // [MQTT-3.8.3-4]
    return nullptr;
  }
  auto feed = std::make_unique<RetainedFeed>();
  e.subscribe_to(*seat, packet, *feed, out);
  e.keep_shares(*seat, packet, feed->codes, now, out);
  feed->from = from;
  feed->packet_id = packet.packet_id;
  feed->suback_due = !is_volatile(seat->session->id) &&
                     std::any_of(feed->filters.begin(), feed->filters.end(),
                                 [](const auto& filter) { return filter.fields.qos > 0; });
  if (!feed->suback_due) {
    e.tell(*seat, EffectKind::suback, packet.packet_id, Reason::success, out);
    out.back().detail = detail_of(std::move(feed->codes));
  }
  if (feed->filters.empty()) return nullptr;
  return feed;
}

bool Engine::feed(RetainedFeed& feed, std::size_t budget, TimeMs now, Effects& out) {
  Impl& e = *impl_;
  Seat* seat = e.attached(feed.from);
  if (!seat) return true;
  const SessionId session = seat->session->id;
  const std::size_t begun = out.size();
  RetainedQueued record;
  record.session = session;
  e.plan.clear();
  e.plan.tracked = true;
  e.plan.in_totals = true;
  e.retained_bytes = 0;
  while (budget > 0 && feed.at < feed.filters.size()) {
    const RetainedFeed::Filter& filter = feed.filters[feed.at];
    if (!feed.cursor)
      feed.cursor = std::make_unique<RetainedCursor>(e.s.retained, filter.text, e.cursors);
    while (const Message* message = feed.cursor->next(budget)) {
      budget -= std::min(budget, message->footprint() / kBytesLikeATopic);
      if (!message->expired(now)) e.send_retained(*seat, *message, filter, record, out);
    }
    if (!feed.cursor->at_end()) break;
    feed.cursor.reset();
    ++feed.at;
  }
  if (!record.items.empty()) e.commit(session, record, out);
  if (feed.at < feed.filters.size()) return false;
  e.end_feed(*seat, feed, begun, out);
  return true;
}

void Engine::fed(const RetainedFeed& feed, Effects& out) {
  Impl& e = *impl_;
  const Seat* seat = e.attached(feed.from);
  if (!seat) return;
  e.subscribed.session = seat->session->id;
  for (const RetainedFeed::Filter& filter : feed.filters) {
    SubscriptionFields fields = filter.fields;
    fields.filter = filter.text;
    e.name_filter(fields, out);
  }
  e.commit_filters(out);
}

// Its queue has room for as many messages more as are retained: a client that is there gets them
// all. They carry RETAIN 1 here, whatever the subscription's options (5.0 section 3.3.1.3).
void Engine::Impl::send_retained(Seat& seat, const Message& message,
                                 const RetainedFeed::Filter& filter, RetainedQueued& record,
                                 Effects& out) {
  const Session& session = *seat.session;
  if (!may_receive(rules, session, message.topic())) return;
  const std::uint8_t qos = std::min(filter.fields.qos, message.qos());
  plan.routes.assign(1, {&session, filter.fields.identifier, qos, true, false});
  if (!fits_client(seat.attachment, message, qos, filter.fields.identifier != 0)) {
    ++counters.dropped_too_large;
    return;
  }
  // Not before the SUBACK, nor before the record that retained it.
  if (qos == 0) return emit_at_once(seat, MessageRef(&message), 0, s.last_lsn, out);
  if (record.items.empty()) seat.end_room();
  if (seat.room.messages < s.retained.size())
    seat.room.add(message.footprint(), session.next_sequence + record.items.size());
  const Placement placement = decide_target(rules, seat, plan, 0, message.footprint(), target);
  if (is_full(placement)) return drop_newest(session, message, placement);
  ++counters.delivered[qos];
  if (placement == Placement::queued) will_wait(seat, message);
  record.items.push_back({message.topic(), target});
  retained_bytes += kRetainedBytes + message.topic().size();
  if (record.items.size() < kRetainedPerRecord && retained_bytes < limits.record_list_bytes_max)
    return;
  commit(session.id, record, out);
  record.items.clear();
  retained_bytes = 0;
  plan.done();
}

// The SUBACK goes before the messages of this call: before all, when there was no call before.
void Engine::Impl::end_feed(const Seat& seat, RetainedFeed& feed, std::size_t begun, Effects& out) {
  if (!feed.suback_due) return;
  tell(seat, EffectKind::suback, feed.packet_id, Reason::success, out);
  out.back().detail = detail_of(std::move(feed.codes));
  const auto from = out.begin() + static_cast<std::ptrdiff_t>(begun);
  std::rotate(from, out.end() - 1, out.end());
  for (auto effect = from; effect != out.end(); ++effect) effect->after = s.last_lsn;
}

void Engine::unsubscribe(Origin from, const mqtt::Unsubscribe& packet, TimeMs, Effects& out) {
  Impl& e = *impl_;
  Seat* seat = e.attached(from);
  if (!seat) return;
  const Session& session = *seat->session;
  std::vector<Reason> codes;
  std::set<std::string_view> named;
  Unsubscribed record{session.id, {}};
  for (std::string_view filter : packet.filters) {
    const bool valid = mqtt::valid_topic_filter(filter);
    const bool existed =
        valid && e.s.subscriptions.contains(session, filter) && named.insert(filter).second;
    codes.push_back(existed ? Reason::success
                    : valid ? Reason::no_subscription_existed
                            : Reason::topic_filter_invalid);
    if (existed) record.filters.push_back(filter);
  }
  if (!record.filters.empty()) e.commit(session.id, record, out);
  e.tell(*seat, EffectKind::unsuback, packet.packet_id, Reason::success, out);
  out.back().detail = detail_of(std::move(codes));
}

}  // namespace tandemq::core
