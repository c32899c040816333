#include "broker/clients/encoder.h"

#include "broker/clients/reason_text.h"

namespace tandemq::broker {
namespace {

using core::EffectKind;

mqtt::PacketType packet_type(EffectKind kind) {
  switch (kind) {
    case EffectKind::puback:
      return mqtt::PacketType::puback;
    case EffectKind::pubrec:
      return mqtt::PacketType::pubrec;
    case EffectKind::pubrel:
      return mqtt::PacketType::pubrel;
    case EffectKind::suback:
      return mqtt::PacketType::suback;
    case EffectKind::unsuback:
      return mqtt::PacketType::unsuback;
    default:
      return mqtt::PacketType::pubcomp;
  }
}

void add_properties(mqtt::PublishProperties& properties, const core::Effect& effect, TimeMs now) {
  const core::Message& message = *effect.message;
  properties.forward = message.properties();
  properties.has_message_expiry = message.expires_at() != 0;
  const TimeMs left = message.expired(now) ? 0 : message.expires_at() - now;
  properties.message_expiry_s = static_cast<std::uint32_t>((left + 999) / 1000);
  properties.subscription_identifiers.clear();
  if (effect.detail) properties.subscription_identifiers = effect.detail->subscription_ids;
}

void add_word(mqtt::Properties& properties, const AuthWord& word) {
  properties.authentication_method = word.method;
  properties.mark(mqtt::Property::authentication_method);
  properties.authentication_data = word.data;
  properties.mark(mqtt::Property::authentication_data);
}

}  // namespace

void Encoder::publish_anew(std::string& out, mqtt::Version version, const core::Effect& effect,
                           TimeMs now) {
  const core::Message& message = *effect.message;
  publish_.topic = message.topic();
  publish_.payload = message.payload();
  publish_.qos = effect.qos;
  publish_.dup = effect.dup;
  publish_.retain = effect.retain;
  publish_.packet_id = effect.packet_id;
  if (version == mqtt::Version::v5) add_properties(publish_.properties, effect, now);
  const std::size_t before = out.size();
  mqtt::encode(out, version, publish_);
  if (effect.qos == 0 && !effect.detail)
    last_ = {&message, &out, before, out.size() - before, version, effect.retain};
}

void Encoder::answer(std::string& out, const Recipient& to, const core::Effect& effect) {
  switch (effect.kind) {
    case EffectKind::connack:
      return connack(out, to, effect);
    case EffectKind::pingresp:
      return mqtt::encode_pingresp(out);
    case EffectKind::suback:
    case EffectKind::unsuback: {
      mqtt::SubscribeAck ack;
      ack.packet_id = effect.packet_id;
      if (effect.detail) ack.codes = effect.detail->codes;
      return mqtt::encode_subscribe_ack(out, to.version, packet_type(effect.kind), ack,
                                        to.packet_max);
    }
    case EffectKind::puback:
    case EffectKind::pubrec:
    case EffectKind::pubrel:
    case EffectKind::pubcomp:
      return mqtt::encode_ack(out, to.version, packet_type(effect.kind), effect.packet_id,
                              effect.reason);
    case EffectKind::publish:
    case EffectKind::disconnect:
    case EffectKind::close:
      return;
  }
}

void Encoder::connack(std::string& out, const Recipient& to, const core::Effect& effect) const {
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
    if (to.word) add_word(properties, *to.word);
    properties.receive_maximum = promised_.receive_maximum;
    properties.mark(Property::receive_maximum);
    properties.maximum_packet_size = promised_.maximum_packet_size;
    properties.mark(Property::maximum_packet_size);
    properties.topic_alias_maximum = promised_.topic_alias_maximum;
    properties.mark(Property::topic_alias_maximum);
    if (promised_.maximum_qos < 2) {
      properties.maximum_qos = promised_.maximum_qos;
      properties.mark(Property::maximum_qos);
    }
    if (!promised_.retain_available) {
      properties.retain_available = false;
      properties.mark(Property::retain_available);
    }
    if (detail && detail->server_keep_alive_s != 0) {
      properties.server_keep_alive_s = detail->server_keep_alive_s;
      properties.mark(Property::server_keep_alive);
    }
    if (detail && !detail->assigned_client_id.empty()) {
      properties.assigned_client_id = detail->assigned_client_id;
      properties.mark(Property::assigned_client_id);
    }
    if (detail && detail->session_expiry_changed) {
      properties.session_expiry_s = detail->session_expiry_s;
      properties.mark(Property::session_expiry);
    }
  }
  mqtt::encode(out, to.version, packet, to.packet_max);
}

void Encoder::auth(std::string& out, const Recipient& to, mqtt::Reason reason) const {
  mqtt::Auth packet;
  packet.reason = reason;
  add_word(packet.properties, *to.word);
  mqtt::encode(out, packet, to.packet_max);
}

void Encoder::refusal(std::string& out, const Recipient& to, mqtt::Reason reason,
                      std::string_view text) const {
  mqtt::Connack packet;
  packet.reason = reason;
  packet.properties.reason_string = text;
  packet.properties.mark(mqtt::Property::reason_string);
  mqtt::encode(out, to.version, packet, to.packet_max);
}

void Encoder::disconnect(std::string& out, const Recipient& to, mqtt::Reason reason,
                         std::string_view text) const {
  if (to.version != mqtt::Version::v5) return;
  mqtt::Disconnect packet;
  packet.reason = reason;
  packet.properties.reason_string = text.empty() ? reason_text(reason) : text;
  packet.properties.mark(mqtt::Property::reason_string);
  mqtt::encode(out, to.version, packet, to.packet_max);
}

}  // namespace tandemq::broker
