// SUBSCRIBE and UNSUBSCRIBE, and the retained messages that a new subscription is sent.
#include <algorithm>

#include "broker/core/engine_impl.h"
#include "broker/core/topic_levels.h"
#include "broker/mqtt/topic.h"

namespace tandemq::core {

using mqtt::Reason;

namespace {

bool is_shared(std::string_view filter) {
  return !mqtt::split_shared(filter).group.empty();
}

// Retained messages a record may name: keeps it far below the largest frame.
constexpr std::size_t kRetainedPerRecord = 1000;
constexpr std::size_t kBytesLikeATopic = 1024;  // of a message, as work

void emit_codes(const Session& session, EffectKind kind, std::uint16_t packet_id,
                std::vector<Reason> codes, const State::Impl& s, Effects& out) {
  auto detail = std::make_shared<EffectDetail>();
  detail->codes = std::move(codes);
  s.emit_ack(session, kind, packet_id, Reason::success, out);
  out.back().detail = std::move(detail);
}

}  // namespace

// The code for one filter: granted QoS or what speaks against it. `added`: new subscriptions that
// this packet has made so far.
Reason Engine::Impl::check_filter(const Session& session, const mqtt::SubscribeFilter& filter,
                                  std::size_t added) const {
  if (!mqtt::valid_topic_filter(filter.filter)) return Reason::topic_filter_invalid;
  if (level_count(mqtt::split_shared(filter.filter).filter) > limits.topic_levels_max)
    return Reason::topic_filter_invalid;
  const Grants* grants = grants_of(rules(), session);
  if (grants && !grants->may_subscribe(filter.filter)) return Reason::not_authorized;
  if (session.subscriptions.size() + added >= limits.subscriptions_per_session_max &&
      !s.subscriptions.contains(session, filter.filter))
    return Reason::quota_exceeded;
  return static_cast<Reason>(filter.qos);
}

std::unique_ptr<RetainedFeed> Engine::subscribe(Origin from, const mqtt::Subscribe& packet, TimeMs,
                                                Effects& out) {
  Impl& e = *impl_;
  Session* session = e.attached(from);
  if (!session) return nullptr;
  auto feed = std::make_unique<RetainedFeed>();
  Subscribed& record = e.subscribed;
  record.session = session->id;
  record.subscriptions.clear();
  const std::uint32_t identifier = packet.properties.subscription_identifier;
  std::size_t added = 0;
  for (const mqtt::SubscribeFilter& f : packet.filters) {
    const bool shared = is_shared(f.filter);
    if (shared && f.no_local && session->is_v5()) {
      e.refuse(*session, Reason::protocol_error, out);  // [MQTT-3.8.3-4]
      return nullptr;
    }
    Reason code = e.check_filter(*session, f, added);
    if (code == Reason::not_authorized) ++e.counters.refused_not_authorized;
    if (mqtt::is_error(code)) {
      feed->codes.push_back(session->is_v5() ? code : Reason::unspecified_error);
      continue;
    }
    feed->codes.push_back(code);
    // Named before in this packet counts as existing, too.
    const bool named = std::any_of(record.subscriptions.begin(), record.subscriptions.end(),
                                   [&](const auto& one) { return one.filter == f.filter; });
    const bool existed = named || e.s.subscriptions.contains(*session, f.filter);
    added += !existed;
    if (!shared && (f.retain_handling == 0 || (f.retain_handling == 1 && !existed)))
      feed->filters.push_back({std::string(f.filter), f.qos, identifier});
    record.subscriptions.push_back(
        {f.filter, f.qos, f.no_local, f.retain_as_published, f.retain_handling, identifier});
  }
  if (!record.subscriptions.empty()) e.commit(session->id, record, &out);
  feed->from = from;
  feed->packet_id = packet.packet_id;
  feed->suback_due = !is_volatile(session->id) &&
                     std::any_of(feed->filters.begin(), feed->filters.end(),
                                 [](const RetainedFeed::Filter& filter) { return filter.qos > 0; });
  if (!feed->suback_due)
    emit_codes(*session, EffectKind::suback, packet.packet_id, std::move(feed->codes), e.s, out);
  if (feed->filters.empty()) return nullptr;
  return feed;
}

bool Engine::feed(RetainedFeed& feed, std::size_t budget, TimeMs now, Effects& out) {
  Impl& e = *impl_;
  Session* session = e.attached(feed.from);
  if (!session) return true;
  const std::size_t begun = out.size();
  RetainedQueued record;
  record.session = session->id;
  e.plan.identifiers.clear();
  e.plan.tracked = true;
  while (budget > 0 && !feed.filters.empty()) {
    const RetainedFeed::Filter& filter = feed.filters.front();
    if (record.items.empty()) e.plan.serial = ++e.s.plan_serial;
    if (!feed.cursor) feed.cursor = std::make_unique<RetainedCursor>(e.s.retained, filter.text);
    while (const Message* message = feed.cursor->next(budget)) {
      budget -= std::min(budget, message->footprint() / kBytesLikeATopic);
      if (!message->expired(now)) e.send_retained(*session, *message, filter, record, out);
    }
    if (!feed.cursor->at_end()) break;
    feed.cursor.reset();
    feed.filters.pop_front();
  }
  if (!record.items.empty()) e.commit(session->id, record, &out);
  if (!feed.filters.empty()) return false;
  e.end_feed(*session, feed, begun, out);
  return true;
}

// Retained messages carry RETAIN 1 here, whatever the subscription's options (5.0 section 3.3.1.3).
void Engine::Impl::send_retained(Session& session, const Message& message,
                                 const RetainedFeed::Filter& filter, RetainedQueued& record,
                                 Effects& out) {
  if (!may_receive(rules(), session, message.topic())) return;
  const std::uint8_t qos = std::min(filter.qos, message.qos());
  plan.routes.assign(1, {&session, filter.identifier, qos, true, false});
  if (!fits_client(session, message, qos, filter.identifier != 0)) {
    ++counters.dropped_too_large;
  } else if (qos == 0) {
    emit_at_once(session, MessageRef(&message), 0, out);
    out.back().after = s.last_lsn;  // not before the SUBACK
  } else if (decide_target(rules(), plan, 0, message.footprint(), target) ==
             Placement::queue_full) {
    ++counters.dropped_queue_full;
  } else {
    ++counters.delivered[qos];
    record.items.push_back({message.topic(), target});
  }
  if (record.items.size() < kRetainedPerRecord) return;
  commit(session.id, record, &out);
  record.items.clear();
  plan.serial = ++s.plan_serial;
}

// The SUBACK goes before the messages of this call: before all, when there was no call before.
void Engine::Impl::end_feed(const Session& session, RetainedFeed& feed, std::size_t begun,
                            Effects& out) {
  if (!feed.suback_due) return;
  emit_codes(session, EffectKind::suback, feed.packet_id, std::move(feed.codes), s, out);
  const auto from = out.begin() + static_cast<std::ptrdiff_t>(begun);
  std::rotate(from, out.end() - 1, out.end());
  for (auto effect = from; effect != out.end(); ++effect) effect->after = s.last_lsn;
}

void Engine::unsubscribe(Origin from, const mqtt::Unsubscribe& packet, TimeMs, Effects& out) {
  Impl& e = *impl_;
  Session* session = e.attached(from);
  if (!session) return;
  std::vector<Reason> codes;
  Unsubscribed record{session->id, {}};
  for (std::string_view filter : packet.filters) {
    const bool named =
        std::find(record.filters.begin(), record.filters.end(), filter) != record.filters.end();
    const bool existed =
        !named && mqtt::valid_topic_filter(filter) && e.s.subscriptions.contains(*session, filter);
    const Reason code = existed                            ? Reason::success
                        : mqtt::valid_topic_filter(filter) ? Reason::no_subscription_existed
                                                           : Reason::topic_filter_invalid;
    codes.push_back(code);
    if (existed) record.filters.push_back(filter);
  }
  if (!record.filters.empty()) e.commit(session->id, record, &out);
  emit_codes(*session, EffectKind::unsuback, packet.packet_id, std::move(codes), e.s, out);
}

}  // namespace tandemq::core
