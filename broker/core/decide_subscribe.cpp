// SUBSCRIBE and UNSUBSCRIBE, and the retained messages that a new subscription is sent.
#include <algorithm>
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
  if (session.subscriptions.size() + added >= limits.subscriptions_per_session_max &&
      !s.subscriptions.contains(session, filter.filter))
    return Reason::quota_exceeded;
  return static_cast<Reason>(filter.qos);
}

// Decides on one filter after the other. More than one record may name goes into further ones.
void Engine::Impl::subscribe_to(const Seat& seat, const mqtt::Subscribe& packet, RetainedFeed& feed,
                                Effects& out) {
  const Session& session = *seat.session;
  const std::uint32_t identifier = packet.properties.subscription_identifier;
  std::set<std::string_view> added;  // new in the record that is being filled
  std::size_t bytes = 0;
  subscribed.session = session.id;
  subscribed.subscriptions.clear();
  for (const mqtt::SubscribeFilter& f : packet.filters) {
    const Reason code = check_filter(session, f, added.size());
    if (code == Reason::not_authorized) ++counters.refused_not_authorized;
    const bool refused = mqtt::is_error(code);
    feed.codes.push_back(refused && !session.is_v5() ? Reason::unspecified_error : code);
    if (refused) continue;
    const bool existed =
        s.subscriptions.contains(session, f.filter) || !added.insert(f.filter).second;
    if (!is_shared(f.filter) && (f.retain_handling == 0 || (f.retain_handling == 1 && !existed)))
      feed.filters.push_back({std::string(f.filter), f.qos, identifier});
    subscribed.subscriptions.push_back(
        {f.filter, f.qos, f.no_local, f.retain_as_published, f.retain_handling, identifier});
    bytes += kFilterBytes + f.filter.size();
    if (bytes < limits.record_list_bytes_max) continue;
    commit(session.id, subscribed, out);
    subscribed.subscriptions.clear();
    added.clear();
    bytes = 0;
  }
  if (!subscribed.subscriptions.empty()) commit(session.id, subscribed, out);
}

std::unique_ptr<RetainedFeed> Engine::subscribe(Origin from, const mqtt::Subscribe& packet, TimeMs,
                                                Effects& out) {
  Impl& e = *impl_;
  Seat* seat = e.attached(from);
  if (!seat) return nullptr;
  const Session& session = *seat->session;
  const bool shared_no_local =
      session.is_v5() &&
      std::any_of(packet.filters.begin(), packet.filters.end(),
                  [](const auto& f) { return f.no_local && is_shared(f.filter); });
  if (shared_no_local) {
    e.refuse(*seat, Reason::protocol_error, out);  // [MQTT-3.8.3-4]
    return nullptr;
  }
  auto feed = std::make_unique<RetainedFeed>();
  e.subscribe_to(*seat, packet, *feed, out);
  feed->from = from;
  feed->packet_id = packet.packet_id;
  feed->suback_due = !is_volatile(session.id) &&
                     std::any_of(feed->filters.begin(), feed->filters.end(),
                                 [](const RetainedFeed::Filter& filter) { return filter.qos > 0; });
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
  e.retained_bytes = 0;
  while (budget > 0 && !feed.filters.empty()) {
    const RetainedFeed::Filter& filter = feed.filters.front();
    if (!feed.cursor)
      feed.cursor = std::make_unique<RetainedCursor>(e.s.retained, filter.text, e.cursors);
    while (const Message* message = feed.cursor->next(budget)) {
      budget -= std::min(budget, message->footprint() / kBytesLikeATopic);
      if (!message->expired(now)) e.send_retained(*seat, *message, filter, record, out);
    }
    if (!feed.cursor->at_end()) break;
    feed.cursor.reset();
    feed.filters.pop_front();
  }
  if (!record.items.empty()) e.commit(session, record, out);
  if (!feed.filters.empty()) return false;
  e.end_feed(*seat, feed, begun, out);
  return true;
}

// Retained messages carry RETAIN 1 here, whatever the subscription's options (5.0 section 3.3.1.3).
void Engine::Impl::send_retained(Seat& seat, const Message& message,
                                 const RetainedFeed::Filter& filter, RetainedQueued& record,
                                 Effects& out) {
  const Session& session = *seat.session;
  if (!may_receive(rules, session, message.topic())) return;
  const std::uint8_t qos = std::min(filter.qos, message.qos());
  plan.routes.assign(1, {&session, filter.identifier, qos, true, false});
  if (!fits_client(seat.attachment, message, qos, filter.identifier != 0)) {
    ++counters.dropped_too_large;
    return;
  }
  // Not before the SUBACK, nor before the record that retained it.
  if (qos == 0) return emit_at_once(seat, MessageRef(&message), 0, s.last_lsn, out);
  const Placement placement = decide_target(limits, seat, plan, 0, message.footprint(), target);
  if (placement == Placement::queue_full) {
    ++counters.dropped_queue_full;
    return;
  }
  ++counters.delivered[qos];
  if (placement == Placement::queued) will_wait(seat, message);
  record.items.push_back({message.topic(), target});
  retained_bytes += kRetainedBytes + message.topic().size();
  if (record.items.size() < kRetainedPerRecord && retained_bytes < limits.record_list_bytes_max)
    return;
  commit(session.id, record, out);
  record.items.clear();
  retained_bytes = 0;
  ++plan.serial;  // what was planned is done
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
