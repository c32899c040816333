// Effects to bytes.
#include <event2/event.h>

#include "broker/shell/client_limits.h"
#include "broker/shell/clients.h"
#include "broker/shell/reason_text.h"
#include "broker/support/log.h"

namespace tandemq::broker {
namespace {

bool ends_connection(core::EffectKind kind) {
  return kind == core::EffectKind::disconnect || kind == core::EffectKind::close;
}

mqtt::PacketType packet_type(core::EffectKind kind) {
  switch (kind) {
    case core::EffectKind::puback:
      return mqtt::PacketType::puback;
    case core::EffectKind::pubrec:
      return mqtt::PacketType::pubrec;
    case core::EffectKind::pubrel:
      return mqtt::PacketType::pubrel;
    case core::EffectKind::suback:
      return mqtt::PacketType::suback;
    case core::EffectKind::unsuback:
      return mqtt::PacketType::unsuback;
    default:
      return mqtt::PacketType::pubcomp;
  }
}

}  // namespace

void Clients::put(core::Effects& effects) {
  last_ = {};
  for (core::Effect& effect : effects) {
    if (ends_connection(effect.kind)) announce_end(effect);
    if (effect.after <= committed_) {
      deliver(effect);
    } else {
      outbox_.hold(std::move(effect));
    }
  }
  work_left_ -= std::min(work_left_, effects.size());
  effects.clear();
  if (!ended_.empty()) detach_ended();
}

void Clients::detach_ended() {
  core::Effects effects;
  const std::vector<core::Origin> ended = std::exchange(ended_, {});
  for (const core::Origin& from : ended) engine_->disconnected(from, turn_.now(), effects);
  put(effects);
}

// The engine sends the client away: whatever else it says is not heard.
void Clients::announce_end(const core::Effect& effect) {
  Connection* connection = table_.find(effect.conn);
  if (!connection || connection->stage >= Stage::closing) return;
  const std::string name = connection->name();
  if (effect.reason == mqtt::Reason::session_taken_over) {
    log(LogLevel::notice, "client_taken_over",
        {{"text", "Client " + name + " already connected, closing old connection."}});
  } else if (connection->stage == Stage::serving) {
    log(LogLevel::notice, "client_closed",
        {{"text", "Client " + name + " disconnected due to protocol error."},
         {"code", static_cast<unsigned>(effect.reason)},
         {"reason", effect.detail ? effect.detail->reason_string : std::string()}});
  }
  const bool attached =
      connection->session != core::kNoSession && effect.reason != mqtt::Reason::session_taken_over;
  if (attached) ended_.push_back({connection->id, connection->session});
  begin_closing(*connection);
}

// An answer is larger than the client takes ([MQTT-3.1.2-24]), and it cannot do without.
void Clients::send_away(Connection& connection) {
  log(LogLevel::notice, "client_closed",
      {{"text",
        std::string("Client ") + connection.name() + " disconnected due to oversize packet."},
       {"reason", "an answer would exceed the client's maximum packet size"},
       {"maximum_packet_size", connection.client_packet_max}});
  ended_.push_back({connection.id, connection.session});
  encode_disconnect(connection, mqtt::Reason::packet_too_large, {});
  begin_closing(connection);
  finish_closing(connection);
}

void Clients::committed(Lsn lsn, std::size_t uncommitted_bytes) {
  if (lsn <= committed_) return;
  committed_ = lsn;
  uncommitted_bytes_ = uncommitted_bytes;
  if (outbox_.empty() && !reading_paused_) return;
  turn_.begin(clock_);
  last_ = {};
  outbox_.release(lsn, released_);
  for (const core::Effect& effect : released_) deliver(effect);
  released_.clear();
  update_pause();
}

void Clients::deliver(const core::Effect& effect) {
  Connection* connection = table_.find(effect.conn);
  // Nothing follows a DISCONNECT, though the socket may have no room for it yet.
  if (!connection || connection->stage == Stage::lingering || connection->ending) {
    ++counters_.effects_dropped;
    return;
  }
  if (!connection->greeted && effect.kind != core::EffectKind::connack &&
      !ends_connection(effect.kind)) {
    // Its CONNACK is held still: nothing may come before it.
    if (outbox_.empty()) return;
    core::Effect later = effect;
    later.after = outbox_.last();
    return outbox_.hold(std::move(later));
  }
  if (effect.kind == core::EffectKind::publish) return encode_publish(*connection, effect);
  encode_other(*connection, effect);
}

std::string& Clients::unsent(Connection& connection) {
  if (!connection.unsent) {
    if (spare_.empty()) {
      connection.unsent = std::make_unique<Unsent>();
    } else {
      connection.unsent = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  return connection.unsent->bytes;
}

void Clients::grown(Connection& connection, std::size_t before) {
  ++counters_.packets_sent;
  counters_.unsent_bytes += connection.unsent->bytes.size() - before;
  mark_dirty(connection);
}

void Clients::mark_dirty(Connection& connection) {
  if (connection.dirty) return;
  connection.dirty = true;
  dirty_.push_back(connection.id);
}

// QoS 0 to a client that does not read is dropped. False when it was.
bool Clients::has_room(Connection& connection, const core::Effect& effect) {
  const auto over = [&] {
    const std::size_t limit = counters_.unsent_bytes > kUnsentAllMax ? kUnsentCrowded
                              : effect.retain                        ? kUnsentRetainedMax
                                                                     : kUnsentMax;
    return connection.unsent && connection.unsent->left() > limit;
  };
  if (!over()) return true;
  if (!connection.blocked) {
    last_ = {};
    send_unsent(connection);
    if (connection.stage != Stage::free && !over()) return true;
  }
  ++counters_.dropped_slow_reader;
  return false;
}

void Clients::encode_publish(Connection& connection, const core::Effect& effect) {
  if (effect.qos == 0 && !has_room(connection, effect)) return;
  ++counters_.publishes_sent;
  counters_.payload_bytes_sent += effect.message->payload().size();
  std::string& out = unsent(connection);
  const std::size_t before = out.size();
  const mqtt::Version version = connection.decoder.version();
  const core::Message& message = *effect.message;
  const bool plain = effect.qos == 0 && !effect.detail;
  if (plain && last_.message == &message && last_.version == version &&
      last_.retain == effect.retain) {
    out.append(last_.in->data() + last_.at, last_.size);
    return grown(connection, before);
  }
  mqtt::Publish& packet = publish_;
  packet.topic = message.topic();
  packet.payload = message.payload();
  packet.qos = effect.qos;
  packet.dup = effect.dup;
  packet.retain = effect.retain;
  packet.packet_id = effect.packet_id;
  if (version == mqtt::Version::v5) {
    packet.properties.forward = message.properties();
    packet.properties.has_message_expiry = message.expires_at() != 0;
    const TimeMs left = message.expired(turn_.now()) ? 0 : message.expires_at() - turn_.now();
    packet.properties.message_expiry_s = static_cast<std::uint32_t>((left + 999) / 1000);
    packet.properties.subscription_identifiers.clear();
    if (effect.detail) {
      packet.properties.subscription_identifiers = effect.detail->subscription_ids;
    }
  }
  mqtt::encode(out, version, packet);
  if (plain) last_ = {&message, &out, before, out.size() - before, version, effect.retain};
  grown(connection, before);
}

void Clients::encode_other(Connection& connection, const core::Effect& effect) {
  using core::EffectKind;
  if (ends_connection(effect.kind)) {
    if (effect.kind == EffectKind::disconnect) {
      encode_disconnect(connection, effect.reason,
                        effect.detail ? effect.detail->reason_string : std::string_view{});
    }
    return finish_closing(connection);
  }
  std::string& out = unsent(connection);
  const std::size_t before = out.size();
  const mqtt::Version version = connection.decoder.version();
  switch (effect.kind) {
    case EffectKind::connack:
      encode_connack(connection, effect);
      break;
    case EffectKind::pingresp:
      mqtt::encode_pingresp(out);
      break;
    case EffectKind::suback:
    case EffectKind::unsuback: {
      mqtt::SubscribeAck ack;
      ack.packet_id = effect.packet_id;
      if (effect.detail) ack.codes = effect.detail->codes;
      mqtt::encode_subscribe_ack(out, version, packet_type(effect.kind), ack,
                                 connection.client_packet_max);
      break;
    }
    default:
      connection.unacknowledged -= effect.kind == EffectKind::puback;
      ack_.packet_id = effect.packet_id;
      ack_.reason = effect.reason;
      mqtt::encode_ack(out, version, packet_type(effect.kind), ack_, connection.client_packet_max);
  }
  if (out.size() == before && connection.session != core::kNoSession) return send_away(connection);
  grown(connection, before);
}

void Clients::encode_connack(Connection& connection, const core::Effect& effect) {
  using mqtt::Property;
  mqtt::Connack packet;
  mqtt::Properties& properties = packet.properties;
  packet.reason = effect.reason;
  const core::EffectDetail* detail = effect.detail.get();
  if (detail && !detail->reason_string.empty()) {
    properties.reason_string = detail->reason_string;
    properties.mark(Property::reason_string);
  }
  if (!mqtt::is_error(effect.reason)) {
    packet.session_present = detail && detail->session_present;
    if (packet.session_present) ++counters_.sessions_resumed;
    properties.receive_maximum = config_.limits.receive_maximum;
    properties.mark(Property::receive_maximum);
    properties.maximum_packet_size = config_.limits.maximum_packet_size;
    properties.mark(Property::maximum_packet_size);
    properties.topic_alias_maximum = config_.limits.topic_alias_maximum;
    properties.mark(Property::topic_alias_maximum);
    if (detail && !detail->assigned_client_id.empty()) {
      properties.assigned_client_id = detail->assigned_client_id;
      properties.mark(Property::assigned_client_id);
    }
    if (detail && detail->session_expiry_changed) {
      properties.session_expiry_s = detail->session_expiry_s;
      properties.mark(Property::session_expiry);
    }
  }
  std::string& out = connection.unsent->bytes;
  const std::size_t before = out.size();
  mqtt::encode(out, connection.decoder.version(), packet, connection.client_packet_max);
  connection.greeted = out.size() > before && !mqtt::is_error(effect.reason);
}

// Only 5.0 has a DISCONNECT from the server, and only after CONNACK.
void Clients::encode_disconnect(Connection& connection, mqtt::Reason reason,
                                std::string_view text) {
  if (connection.decoder.version() != mqtt::Version::v5 || !connection.greeted) return;
  mqtt::Disconnect packet;
  packet.reason = reason;
  packet.properties.reason_string = text.empty() ? reason_text(reason) : text;
  packet.properties.mark(mqtt::Property::reason_string);
  const std::size_t before = unsent(connection).size();
  mqtt::encode(connection.unsent->bytes, mqtt::Version::v5, packet, connection.client_packet_max);
  grown(connection, before);
}

}  // namespace tandemq::broker
