// MQTT control packets as plain structs. Decoded strings are views into the buffer that was read
// from and live as long as it; encoding copies. Shapes follow MQTT 5.0 (OASIS, chapter 3); for
// 3.1 and 3.1.1 the 5.0-only members keep their defaults.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "broker/mqtt/packet_type.h"
#include "broker/mqtt/property.h"
#include "broker/mqtt/reason.h"

namespace tandemq::mqtt {

enum class Version : std::uint8_t { v31 = 3, v311 = 4, v5 = 5 };

struct UserProperty {
  std::string_view name;
  std::string_view value;
  bool operator==(const UserProperty&) const = default;
};

// Properties that any of CONNECT, CONNACK, acknowledgements, SUBSCRIBE, DISCONNECT and AUTH carry.
// `has` tells which are present (5.0 section 2.2.2.2); absent ones keep the protocol's default.
struct Properties {
  std::uint64_t present = 0;  // bit n: property with identifier n
  bool has(Property p) const { return present >> static_cast<unsigned>(p) & 1; }
  void mark(Property p) { present |= std::uint64_t{1} << static_cast<unsigned>(p); }

  std::uint32_t session_expiry_s = 0;
  std::uint16_t receive_maximum = 65535;
  std::uint32_t maximum_packet_size = 0;  // 0: no limit
  std::uint16_t topic_alias_maximum = 0;
  std::uint16_t server_keep_alive_s = 0;
  std::uint8_t maximum_qos = 2;
  bool retain_available = true;
  bool wildcard_available = true;
  bool subscription_identifier_available = true;
  bool shared_available = true;
  bool request_response_information = false;
  bool request_problem_information = true;
  std::uint32_t subscription_identifier = 0;  // of SUBSCRIBE; 0: none
  std::string_view assigned_client_id;
  std::string_view reason_string;
  std::string_view response_information;
  std::string_view server_reference;
  std::string_view authentication_method;
  std::string_view authentication_data;
  std::vector<UserProperty> user;
  bool operator==(const Properties&) const = default;
};

// Properties of a PUBLISH or a will. Everything that travels unchanged from publisher to subscriber
// (payload format, content type, response topic, correlation data, user properties) is validated
// and kept as it was encoded, in `forward`, ready to be written again without looking inside.
struct PublishProperties {
  std::string_view forward;  // encoded properties, without a length prefix
  std::uint32_t message_expiry_s = 0;
  bool has_message_expiry = false;
  std::uint16_t topic_alias = 0;                        // 0: none
  std::vector<std::uint32_t> subscription_identifiers;  // server to client only
  bool operator==(const PublishProperties&) const = default;
};

struct Will {
  std::string_view topic;
  std::string_view payload;
  std::uint8_t qos = 0;
  bool retain = false;
  std::uint32_t delay_s = 0;
  PublishProperties properties;
  bool operator==(const Will&) const = default;
};

struct Connect {
  Version version = Version::v5;
  bool clean_start = false;
  std::uint16_t keep_alive_s = 0;
  std::string_view client_id;
  bool has_will = false;
  Will will;
  bool has_username = false;
  bool has_password = false;
  std::string_view username;
  std::string_view password;
  Properties properties;
  bool operator==(const Connect&) const = default;
};

struct Connack {
  bool session_present = false;
  Reason reason = Reason::success;  // for 3.x mapped to the return codes of 3.1.1 table 3.1
  Properties properties;
  bool operator==(const Connack&) const = default;
};

struct Publish {
  std::string_view topic;
  std::string_view payload;
  std::uint8_t qos = 0;
  bool dup = false;
  bool retain = false;
  std::uint16_t packet_id = 0;  // 0 at QoS 0
  PublishProperties properties;
  bool operator==(const Publish&) const = default;
};

// PUBACK, PUBREC, PUBREL, PUBCOMP.
struct Ack {
  std::uint16_t packet_id = 0;
  Reason reason = Reason::success;
  Properties properties;
  bool operator==(const Ack&) const = default;
};

struct SubscribeFilter {
  std::string_view filter;
  std::uint8_t qos = 0;
  bool no_local = false;
  bool retain_as_published = false;
  std::uint8_t retain_handling = 0;
  bool operator==(const SubscribeFilter&) const = default;
};

struct Subscribe {
  std::uint16_t packet_id = 0;
  std::vector<SubscribeFilter> filters;
  Properties properties;
  bool operator==(const Subscribe&) const = default;
};

struct Unsubscribe {
  std::uint16_t packet_id = 0;
  std::vector<std::string_view> filters;
  Properties properties;
  bool operator==(const Unsubscribe&) const = default;
};

// SUBACK and UNSUBACK (3.1.1 UNSUBACK carries no codes).
struct SubscribeAck {
  std::uint16_t packet_id = 0;
  std::vector<Reason> codes;
  Properties properties;
  bool operator==(const SubscribeAck&) const = default;
};

struct Disconnect {
  Reason reason = Reason::success;
  Properties properties;
  bool operator==(const Disconnect&) const = default;
};

struct Auth {
  Reason reason = Reason::success;
  Properties properties;
  bool operator==(const Auth&) const = default;
};

// One decoded packet: `type` says which member is filled. Meant to be reused from packet to packet,
// so that its vectors keep their capacity.
struct Packet {
  PacketType type = PacketType::pingreq;
  Connect connect;
  Connack connack;
  Publish publish;
  Ack ack;
  Subscribe subscribe;
  Unsubscribe unsubscribe;
  SubscribeAck subscribe_ack;
  Disconnect disconnect;
  Auth auth;
};

}  // namespace tandemq::mqtt
