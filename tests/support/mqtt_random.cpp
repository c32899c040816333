#include <array>

#include "broker/mqtt/reason_codes.h"
#include "tests/support/mqtt_packets.h"

namespace tandemq::mqtt::test {
namespace {

using enum PacketType;
using enum Property;

constexpr std::array to_server = {publish,   puback,      pubrec,  pubrel,     pubcomp,
                                  subscribe, unsubscribe, pingreq, disconnect, auth};
constexpr std::array to_client = {connack, publish,  puback,   pubrec,     pubrel, pubcomp,
                                  suback,  unsuback, pingresp, disconnect, auth};

// Whether such a packet may have the property, beside those that fill_properties always gives.
bool may_have(PacketType type, Side reader, Property property) {
  if (property == authentication_data) return false;  // goes with the method
  if (type == auth && property == authentication_method) return false;
  if (type == disconnect &&
      property == (reader == Side::server ? server_reference : session_expiry))
    return false;
  return (kCarriers[static_cast<std::size_t>(property)] & carrier_of(type)) != 0;
}

}  // namespace

std::uint32_t RandomPackets::number(std::uint32_t max) {
  return std::uniform_int_distribution<std::uint32_t>(0, max)(random_);
}

std::string_view RandomPackets::text(std::uint32_t size_max) {
  constexpr std::string_view pieces[] = {"a",        "b/",           "0123456789",      "+",
                                         "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
  const std::uint32_t size = number(size_max);
  std::string s;
  while (s.size() < size) s += pieces[number(std::size(pieces) - 1)];
  return keep(s);
}

std::string_view RandomPackets::name() {
  constexpr std::string_view levels[] = {"a", "", "temperature", "\xc3\xa4", "$x", "17"};
  std::string s = "t";
  for (std::uint32_t left = number(6); left > 0; --left) {
    s += '/';
    s += levels[number(std::size(levels) - 1)];
  }
  return keep(s);
}

std::string_view RandomPackets::bytes(std::uint32_t size_max) {
  std::string s(number(size_max), '\0');
  for (char& c : s) c = static_cast<char>(number(255));
  return keep(s);
}

Reason RandomPackets::reason(PacketType type, Side reader) {
  while (true) {
    const auto candidate = static_cast<Reason>(coin() ? 0 : number(0xa2));
    if (reason_allowed(type, reader, candidate)) return candidate;
  }
}

void RandomPackets::fill_value(Property property, Properties& p) {
  switch (property) {
    case session_expiry:
      p.session_expiry_s = number(~0u);
      break;
    case receive_maximum:
      p.receive_maximum = packet_id();
      break;
    case maximum_packet_size:
      p.maximum_packet_size = 1 + number(~0u - 1);
      break;
    case topic_alias_maximum:
      p.topic_alias_maximum = packet_id();
      break;
    case server_keep_alive:
      p.server_keep_alive_s = packet_id();
      break;
    case maximum_qos:
      p.maximum_qos = coin();
      break;
    case retain_available:
      p.retain_available = coin();
      break;
    case wildcard_available:
      p.wildcard_available = coin();
      break;
    case subscription_identifier_available:
      p.subscription_identifier_available = coin();
      break;
    case shared_available:
      p.shared_available = coin();
      break;
    case request_response_information:
      p.request_response_information = coin();
      break;
    case request_problem_information:
      p.request_problem_information = coin();
      break;
    case subscription_identifier:
      p.subscription_identifier = 1 + number(268435454);
      break;
    case assigned_client_id:
      p.assigned_client_id = text(30);
      break;
    case reason_string:
      p.reason_string = text(200);
      break;
    case response_information:
      p.response_information = text(30);
      break;
    case server_reference:
      p.server_reference = text(30);
      break;
    case authentication_method:
      p.authentication_method = text(10);
      if (coin()) {
        p.mark(authentication_data);
        fill_value(authentication_data, p);
      }
      break;
    case authentication_data:
      p.authentication_data = bytes(20);
      break;
    case user_property:
      for (std::uint32_t left = 1 + number(3); left > 0; --left) {
        p.user.push_back({text(10), text(10)});
      }
      break;
#define TMQ_X(identifier, name, carriers) case name:
      TMQ_MESSAGE_PROPERTIES(TMQ_X)  // forward() and fill_publish()
#undef TMQ_X
      break;
  }
}

void RandomPackets::fill_properties(PacketType type, Side reader, Properties& properties) {
  if (type == auth) {
    properties.mark(authentication_method);
    fill_value(authentication_method, properties);
  }
  for (std::uint32_t id = 0; id <= kPropertyMax; ++id) {
    const auto property = static_cast<Property>(id);
    if (!may_have(type, reader, property) || number(3) != 0) continue;
    properties.mark(property);
    fill_value(property, properties);
  }
}

// Forwarded properties in random order.
std::string_view RandomPackets::forward() {
  std::string s;
  const auto put = [&](std::string_view value) {
    s += static_cast<char>(value.size() >> 8);
    s += static_cast<char>(value.size() & 0xff);
    s += value;
  };
  bool seen[kPropertyMax + 1] = {};
  for (std::uint32_t left = number(200); left > 0; --left) {
    const std::uint32_t id = number(kPropertyMax);
    const auto property = static_cast<Property>(id);
    if (!(kCarriers[id] & carrier::forwarded) || (seen[id] && property != user_property)) continue;
    seen[id] = true;
    s += static_cast<char>(id);
    switch (property) {
      case payload_format:
        s += static_cast<char>(number(1));
        break;
      case response_topic:
        put(name());
        break;
      case correlation_data:
        put(bytes(20));
        break;
      case user_property:
        put(text(10));
        put(text(10));
        break;
      case content_type:
        put(text(10));
        break;
      case message_expiry:
      case will_delay:
      case topic_alias:
      case subscription_identifier:
#define TMQ_X(identifier, name, carriers) case Property::name:
        TMQ_PACKET_PROPERTIES(TMQ_X)
#undef TMQ_X
        break;  // not forwarded
    }
  }
  return keep(s);
}

void RandomPackets::fill_connect(Version version, Connect& connect) {
  connect.version = version;
  connect.clean_start = coin();
  connect.keep_alive_s = packet_id();
  connect.client_id = text(30);
  connect.has_username = coin();
  if (connect.has_username) connect.username = text(20);
  connect.has_password = coin() && (connect.has_username || version == Version::v5);
  if (connect.has_password) connect.password = bytes(20);
  if (version == Version::v5)
    fill_properties(PacketType::connect, Side::server, connect.properties);
  connect.has_will = coin();
  if (!connect.has_will) return;
  connect.will.topic = name();
  connect.will.payload = bytes(50);
  connect.will.qos = static_cast<std::uint8_t>(number(2));
  connect.will.retain = coin();
  if (version != Version::v5) return;
  if (coin()) connect.will.delay_s = number(~0u);
  connect.will.properties.forward = forward();
  connect.will.properties.has_message_expiry = coin();
  if (connect.will.properties.has_message_expiry) {
    connect.will.properties.message_expiry_s = number(~0u);
  }
}

void RandomPackets::fill_publish(Side reader, Version version, Publish& p) {
  p.topic = name();
  p.payload = number(9) == 0 ? bytes(70000) : bytes(200);
  p.qos = static_cast<std::uint8_t>(number(2));
  p.retain = coin();
  if (p.qos != 0) {
    p.packet_id = packet_id();
    p.dup = coin();
  }
  if (version != Version::v5) return;
  p.properties.forward = forward();
  p.properties.has_message_expiry = coin();
  if (p.properties.has_message_expiry) p.properties.message_expiry_s = number(~0u);
  if (coin()) p.properties.topic_alias = packet_id();
  if (p.properties.topic_alias && coin()) p.topic = {};
  if (reader == Side::server) return;
  for (std::uint32_t left = number(3); left > 0; --left) {
    p.properties.subscription_identifiers.push_back(1 + number(268435454));
  }
}

void RandomPackets::fill_subscribe(Version version, Packet& packet) {
  packet.subscribe.packet_id = packet.unsubscribe.packet_id = packet_id();
  for (std::uint32_t left = 1 + number(4); left > 0; --left) {
    SubscribeFilter filter;
    filter.filter = text(40);
    filter.qos = static_cast<std::uint8_t>(number(2));
    if (version == Version::v5) {
      filter.no_local = coin();
      filter.retain_as_published = coin();
      filter.retain_handling = static_cast<std::uint8_t>(number(2));
    }
    packet.subscribe.filters.push_back(filter);
    packet.unsubscribe.filters.push_back(filter.filter);
  }
  if (version != Version::v5) return;
  fill_properties(subscribe, Side::server, packet.subscribe.properties);
  fill_properties(unsubscribe, Side::server, packet.unsubscribe.properties);
}

void RandomPackets::fill_acknowledgement(Side reader, Version version, Packet& packet) {
  const bool v5 = version == Version::v5;
  packet.ack.packet_id = packet.subscribe_ack.packet_id = packet_id();
  if (packet.type == suback || packet.type == unsuback) {
    for (std::uint32_t left = v5 || packet.type == suback ? 1 + number(4) : 0; left; --left) {
      packet.subscribe_ack.codes.push_back(v5 ? reason(packet.type, reader)
                                              : static_cast<Reason>(number(2)));
    }
    if (v5) fill_properties(packet.type, reader, packet.subscribe_ack.properties);
  } else if (v5) {
    packet.ack.reason = reason(packet.type, reader);
    fill_properties(packet.type, reader, packet.ack.properties);
  }
}

void RandomPackets::fill_connack(Version version, Connack& packet) {
  const bool v5 = version == Version::v5;
  packet.reason = v5 ? reason(connack, Side::client)
                     : reason_of_return_code(static_cast<std::uint8_t>(number(5)));
  packet.session_present = version != Version::v31 && packet.reason == Reason::success && coin();
  if (v5) fill_properties(connack, Side::client, packet.properties);
}

void RandomPackets::fill_session_packet(Side reader, Packet& packet) {
  if (packet.type == disconnect) {
    packet.disconnect.reason = reason(disconnect, reader);
    fill_properties(disconnect, reader, packet.disconnect.properties);
  } else {
    packet.auth.reason = reason(auth, reader);
    fill_properties(auth, reader, packet.auth.properties);
  }
}

Packet RandomPackets::next(Side reader, Version version) {
  strings_.clear();
  Packet packet;
  const bool v5 = version == Version::v5;
  do {
    packet.type = reader == Side::server ? to_server[number(to_server.size() - 1)]
                                         : to_client[number(to_client.size() - 1)];
  } while (!v5 && (packet.type == auth || (packet.type == disconnect && reader == Side::client)));
  switch (packet.type) {
    case connect:
      fill_connect(version, packet.connect);
      break;
    case connack:
      fill_connack(version, packet.connack);
      break;
    case publish:
      fill_publish(reader, version, packet.publish);
      break;
    case puback:
    case pubrec:
    case pubrel:
    case pubcomp:
    case suback:
    case unsuback:
      fill_acknowledgement(reader, version, packet);
      break;
    case subscribe:
    case unsubscribe:
      fill_subscribe(version, packet);
      break;
    case disconnect:
    case auth:
      if (v5) fill_session_packet(reader, packet);
      break;
    case pingreq:
    case pingresp:
      break;
  }
  return packet;
}

Packet RandomPackets::next_connect(Version version) {
  strings_.clear();
  Packet packet;
  packet.type = connect;
  fill_connect(version, packet.connect);
  return packet;
}

}  // namespace tandemq::mqtt::test
