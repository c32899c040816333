// PUBLISH: what is refused, who receives the message, and which records that makes.
#include <algorithm>

#include "broker/core/engine_impl.h"
#include "broker/core/topic_levels.h"

namespace tandemq::core {

using mqtt::Reason;

namespace {

constexpr std::size_t kTargetBytes = 9;  // of a record, beside subscription identifiers

}  // namespace

bool Engine::Impl::resolve_topic(Seat& seat, const mqtt::Publish& packet, std::string_view& topic,
                                 Effects& out) {
  topic = packet.topic;
  const std::uint16_t alias = packet.properties.topic_alias;
  if (alias == 0) {
    if (!topic.empty()) return true;
    refuse(seat, Reason::protocol_error, out);
    return false;
  }
  if (alias > limits.topic_alias_maximum) {
    refuse(seat, Reason::topic_alias_invalid, out);
    return false;
  }
  auto& aliases = seat.attachment.aliases;
  if (!aliases) aliases = std::make_unique<std::vector<std::string>>();
  if (aliases->size() < alias) aliases->resize(alias);
  std::string& known = (*aliases)[alias - 1u];
  if (!topic.empty()) known = topic;
  topic = known;
  if (!topic.empty()) return true;
  refuse(seat, Reason::protocol_error, out);
  return false;
}

Reason Engine::Impl::check_publish(const Session& session, std::string_view topic) {
  // Topics that begin with $ are the broker's own.
  const bool own = topic.starts_with('$');
  // A topic shorter than the limit cannot have too many levels.
  if (topic.size() >= limits.topic_levels_max && level_count(topic) > limits.topic_levels_max)
    return Reason::topic_name_invalid;
  const Grants* grants = grants_of(rules, session);
  if (own || (grants && !grants->may_publish(topic))) {
    ++counters.refused_not_authorized;
    deny(Denial::What::publish, session, topic);
    return Reason::not_authorized;
  }
  return Reason::success;
}

RetainAction Engine::Impl::decide_retain(const MessageFields& fields) {
  if (!fields.retain) return RetainAction::none;
  const bool held = s.retained.find(fields.topic) != nullptr;
  if (fields.payload.empty()) return held ? RetainAction::clear : RetainAction::none;
  if (!held && limits.retained_messages_max != 0 &&
      s.retained.size() >= limits.retained_messages_max) {
    ++counters.dropped_retained_full;
    return RetainAction::none;
  }
  return RetainAction::store;
}

// A delivery with QoS 0 goes at once or never; only the CONNACK it must not overtake, nor one whose
// message made a record: what a record says is not said before it is committed.
void Engine::Impl::emit_at_once(Seat& seat, const MessageRef& message, std::size_t route, Lsn after,
                                Effects& out) {
  seat.attachment.at_once_after = std::max(seat.attachment.at_once_after, after);
  Effect& effect = out.emplace_back();
  effect.kind = EffectKind::publish;
  effect.retain = plan.routes[route].retain;
  effect.conn = seat.attachment.conn;
  effect.after = seat.attachment.at_once_after;
  effect.message = message;
  ++counters.delivered[0];
  if (plan.routes[route].identifier == 0) return;
  EffectDetail detail;
  collect_identifiers(plan, route, detail.subscription_ids);
  effect.detail = share(std::move(detail));
}

void Engine::Impl::drop_newest(const Session& session, const Message& message,
                               Placement placement) {
  ++counters.dropped_queue_full;
  const bool all = placement == Placement::queues_full;
  deny(all ? Denial::What::queues_full : Denial::What::queue_full, session, message.topic());
}

// By a record of its own, before that of the message: should this node die in between, only what
// the operator lets go is gone.
bool Engine::Impl::replace_oldest(Seat& seat, std::size_t footprint, Effects& out) {
  if (limits.queue_full != QueueFull::drop_oldest) return false;
  if (!decide_replaced(rules, seat, plan, footprint, dropped)) return false;
  const Session& session = *seat.session;
  counters.dropped_queue_full += dropped.sequence.size();
  const std::size_t first = session.queue.lower_bound(dropped.sequence.front());
  for (std::size_t i = 0; i < dropped.sequence.size(); ++i)
    deny(Denial::What::queue_oldest, session, session.queue[first + i].message->topic());
  drop(dropped, out);
  return true;
}

void Engine::Impl::plan_target(Seat& seat, std::size_t route, const MessageRef& message, TimeMs now,
                               Effects& out) {
  const bool ends_here = is_volatile(seat.session->id);
  auto& targets = ends_here ? ephemeral.targets : durable.targets;
  Target& planned = targets.emplace_back();
  Placement placement = decide_target(rules, seat, plan, route, message->footprint(), planned);
  if (is_full(placement)) {
    // What was acknowledged does not go for what never is.
    if (planned.qos == 0 || !replace_oldest(seat, message->footprint(), out)) {
      targets.pop_back();
      return drop_newest(*seat.session, *message, placement);
    }
    placement = Placement::queued;
  }
  ++counters.delivered[planned.qos];
  if (placement == Placement::queued) will_wait(seat, *message);
  if (ends_here) return;
  durable_bytes += kTargetBytes + planned.subscription_ids.size() * sizeof(std::uint32_t);
  if (durable_bytes > limits.record_list_bytes_max) commit_receivers({}, message, now, out);
}

std::size_t Engine::Impl::distribute(const Publication& p, TimeMs now, Effects& out) {
  decide_routes(rules, p.publisher, p.fields, plan);
  const std::size_t receivers = plan.routes.size();
  const bool facts = p.retain != RetainAction::none || p.is_will || p.inbound_id != 0;
  if (receivers != 0 || facts) put_up(p, Message::create(p.fields), now, out);
  return receivers;
}

void Engine::Impl::put_up(const Publication& p, const MessageRef& message, TimeMs now,
                          Effects& out) {
  durable.targets.clear();
  ephemeral.targets.clear();
  durable_bytes = 0;
  const bool facts = p.retain != RetainAction::none || p.is_will || p.inbound_id != 0 ||
                     p.moved_from != kNoSession;
  const bool may_make_record = facts || p.fields.qos != 0;
  const Lsn before = s.last_lsn;
  at_once.clear();
  for (std::size_t i = 0; i < plan.routes.size(); ++i) {
    const Session& session = *plan.routes[i].session;
    const std::uint8_t qos = plan.routes[i].qos;
    Seat& seat = seats.of(session);
    const bool away = seat.attachment.conn == 0;
    // Nobody will fetch it: QoS 0 to an absent client, anything to a session that is ending.
    if (away && (session.expiry_s == 0 || (qos == 0 && !limits.queue_qos0_messages))) continue;
    const std::size_t identifiers =
        plan.routes[i].identifier == 0 ? 0 : 1 + plan.identifiers.size();
    if (!fits_client(seat.attachment, *message, qos, identifiers))
      ++counters.dropped_too_large;
    else if (qos != 0 || away)
      plan_target(seat, i, message, now, out);
    else if (may_make_record)
      at_once.push_back(i);
    else
      emit_at_once(seat, message, i, 0, out);
  }
  if (p.retain == RetainAction::clear) cursors->topic_goes(s.retained, message->topic());
  if (facts || !durable.targets.empty() || !ephemeral.targets.empty())
    commit_receivers(p, message, now, out);
  const Lsn after = s.last_lsn == before ? 0 : s.last_lsn;
  for (const std::size_t i : at_once)
    emit_at_once(seats.of(*plan.routes[i].session), message, i, after, out);
}

// What one record must not hold goes into further ones, the facts of the publication into the last:
// should this node die in between, its client sends the message again, and nobody misses it.
void Engine::Impl::commit_receivers(const Publication& p, const MessageRef& message, TimeMs now,
                                    Effects& out) {
  const bool inbound_durable = p.inbound_id != 0 && !is_volatile(p.publisher->id);
  const bool facts =
      p.retain != RetainAction::none || p.is_will || inbound_durable || p.moved_from != kNoSession;
  if (facts || !durable.targets.empty()) {
    durable.time = now;
    durable.publisher = inbound_durable || p.is_will ? p.publisher->id : kNoSession;
    durable.inbound_id = inbound_durable ? p.inbound_id : std::uint16_t{0};
    durable.is_will = p.is_will;
    durable.retain = p.retain;
    durable.moved_from = p.moved_from;
    durable.moved_sequence = p.moved_sequence;
    durable.message = message;
    commit(kNoSession, durable, out);
    durable.message = {};
  }
  const bool inbound_volatile = p.inbound_id != 0 && !inbound_durable;
  if (inbound_volatile || !ephemeral.targets.empty()) {
    ephemeral.publisher = inbound_volatile ? p.publisher->id : kNoSession;
    ephemeral.inbound_id = inbound_volatile ? p.inbound_id : std::uint16_t{0};
    ephemeral.message = message;
    commit(kVolatileBit, ephemeral, out);
    ephemeral.message = {};
  }
  durable.targets.clear();
  ephemeral.targets.clear();
  durable_bytes = 0;
  plan.done();
}

void Engine::publish(Origin from, const mqtt::Publish& packet, TimeMs now, Effects& out) {
  Impl& e = *impl_;
  Seat* seat = e.attached(from);
  if (!seat) return;
  const Session& session = *seat->session;
  ++e.counters.received[packet.qos];
  if (packet.qos > e.limits.maximum_qos) return e.refuse(*seat, Reason::qos_not_supported, out);
  if (packet.retain && !e.limits.retain_available)
    return e.refuse(*seat, Reason::retain_not_supported, out);
  Publication p;
  if (!e.resolve_topic(*seat, packet, p.fields.topic, out)) return;
  const EffectKind ack = packet.qos == 1 ? EffectKind::puback : EffectKind::pubrec;
  if (packet.qos == 2 && session.inbound.contains(packet.packet_id)) {
    // Sent again: taken over already, [MQTT-4.3.3-10].
    e.tell(*seat, ack, packet.packet_id, Reason::success, out);
    return;
  }
  // 5.0 section 3.3.4; older clients know no such limit.
  const std::uint32_t unanswered = from.unacknowledged + seat->attachment.inbound_unreleased;
  if (packet.qos != 0 && session.is_v5() && unanswered >= e.limits.receive_maximum)
    return e.refuse(*seat, Reason::receive_maximum_exceeded, out);
  const Reason refused = e.check_publish(session, p.fields.topic);
  if (refused != Reason::success) {
    // 3.x has no way to say no: acknowledged and dropped, or sent away.
    const bool ends = !session.is_v5() && e.limits.denied_publish == DeniedPublish::disconnect;
    if (ends && refused == Reason::not_authorized) return e.refuse(*seat, refused, out);
    if (packet.qos != 0)
      e.tell(*seat, ack, packet.packet_id, session.is_v5() ? refused : Reason::success, out);
    return;
  }
  p.publisher = &session;
  p.fields.qos = packet.qos;
  p.fields.payload = packet.payload;
  p.fields.properties = packet.properties.forward;
  p.fields.retain = packet.retain;
  if (packet.properties.has_message_expiry)
    p.fields.expires_at = now + packet.properties.message_expiry_s * TimeMs{1000};
  // Who can be told so is told so; who cannot waits at the gate of publishers instead.
  const bool grows = packet.retain && !packet.payload.empty() && e.growth_refused;
  if (grows && packet.qos != 0 && session.is_v5() && !e.s.retained.find(p.fields.topic)) {
    ++e.counters.refused_growth;
    return e.tell(*seat, ack, packet.packet_id, Reason::quota_exceeded, out);
  }
  p.retain = e.decide_retain(p.fields);
  if (packet.qos == 2) {
    p.inbound_id = packet.packet_id;
    ++seat->attachment.inbound_unreleased;
  }
  const Lsn last = e.s.last_lsn;
  const std::size_t receivers = e.distribute(p, now, out);
  if (packet.qos == 0) return;
  if (e.s.last_lsn == last) e.committer.prove_reign();
  const bool nobody = receivers == 0 && session.is_v5();
  e.tell(*seat, ack, packet.packet_id, nobody ? Reason::no_matching_subscribers : Reason::success,
         out);
}

void Engine::discard(Origin from, const mqtt::Publish& packet, Effects& out) {
  Seat* seat = impl_->attached(from);
  if (!seat) return;
  ++impl_->counters.received[packet.qos];
  std::string_view topic;
  (void)impl_->resolve_topic(*seat, packet, topic, out);
}

void Engine::publish_own(const MessageFields& fields, bool retain, TimeMs now, Effects& out) {
  Publication p;
  p.fields = fields;
  p.fields.retain = retain;
  p.retain = impl_->decide_retain(p.fields);
  impl_->distribute(p, now, out);
}

}  // namespace tandemq::core
