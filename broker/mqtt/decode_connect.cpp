#include <utility>

#include "broker/mqtt/decode_parts.h"
#include "broker/mqtt/reason_codes.h"
#include "broker/mqtt/utf8.h"

namespace tandemq::mqtt {
namespace {

// Connect flags (5.0 section 3.1.2.3).
constexpr unsigned flag_reserved = 0x01;
constexpr unsigned flag_clean_start = 0x02;
constexpr unsigned flag_will = 0x04;
constexpr unsigned shift_will_qos = 3;
constexpr unsigned flag_will_retain = 0x20;
constexpr unsigned flag_password = 0x40;
constexpr unsigned flag_username = 0x80;

// Sets `version` also when it fails, to what the answer should be written in.
void read_version(Reader& in, Version& version) {
  const std::string_view name = in.binary();
  const unsigned level = in.u8();
  if (!in.ok()) return;
  version = level >= 5 && name == "MQTT" ? Version::v5 : Version::v311;
  if (name == "MQTT" && (level == 4 || level == 5)) return;
  if (name == "MQIsdp" && level == 3) {
    version = Version::v31;
    return;
  }
  in.fail(Reason::unsupported_version, name == "MQTT" || name == "MQIsdp"
                                           ? "protocol version is not 3.1, 3.1.1 or 5.0"
                                           : "protocol name is not MQTT");
}

void check_flags(Reader& in, unsigned flags, Version version) {
  if ((flags & flag_reserved) && version != Version::v31) {
    return in.malformed("reserved connect flag is set");
  }
  const unsigned will_qos = flags >> shift_will_qos & 3;
  if (will_qos == 3) return in.malformed("will QoS is 3");
  if (!(flags & flag_will) && (will_qos != 0 || (flags & flag_will_retain))) {
    return in.malformed("will QoS or will retain without a will");
  }
  if (version != Version::v5 && (flags & flag_password) && !(flags & flag_username)) {
    return in.malformed("password without user name");
  }
}

void read_will(Reader& in, unsigned flags, Version version, Will& will, std::string& scratch) {
  will.qos = flags >> shift_will_qos & 3;
  will.retain = (flags & flag_will_retain) != 0;
  if (version == Version::v5) {
    decode_publish_properties(in, Side::server, will.properties, &will.delay_s, scratch);
  }
  will.topic = in.binary();
  will.payload = in.binary();
  if (!in.ok()) return;
  const NameCheck check = check_name(will.topic);
  if (check == NameCheck::not_utf8) return in.malformed("will topic is not UTF-8");
  if (check == NameCheck::has_wildcard || will.topic.empty()) {
    in.fail(Reason::topic_name_invalid, "will topic is empty or has a wildcard");
  }
}

void reset(Connect& packet) {
  reset(packet.properties);
  reset(packet.will.properties);
  Properties properties = std::move(packet.properties);
  PublishProperties will_properties = std::move(packet.will.properties);
  packet = {};
  packet.properties = std::move(properties);
  packet.will.properties = std::move(will_properties);
}

}  // namespace

void decode_connect(Reader& in, Connect& packet, Version& version, std::string& scratch) {
  reset(packet);
  read_version(in, version);
  packet.version = version;
  const unsigned flags = in.u8();
  if (!in.ok()) return;
  check_flags(in, flags, version);
  packet.clean_start = (flags & flag_clean_start) != 0;
  packet.keep_alive_s = in.u16();
  if (version == Version::v5) {
    decode_properties(in, PacketType::connect, packet.properties);
  }
  packet.client_id = in.string();
  packet.has_will = (flags & flag_will) != 0;
  if (packet.has_will && in.ok()) read_will(in, flags, version, packet.will, scratch);
  packet.has_username = (flags & flag_username) != 0;
  if (packet.has_username) packet.username = in.string();
  packet.has_password = (flags & flag_password) != 0;
  if (packet.has_password) packet.password = in.binary();
}

void decode_connack(Reader& in, Version version, Connack& packet) {
  reset(packet.properties);
  const unsigned flags = in.u8();
  const std::uint8_t code = in.u8();
  if (!in.ok()) return;
  // 3.1 reserves the whole byte.
  if ((flags & ~1u) != 0 && version != Version::v31) {
    return in.malformed("reserved acknowledge flag is set");
  }
  packet.session_present = version != Version::v31 && (flags & 1) != 0;
  if (version == Version::v5) {
    packet.reason = static_cast<Reason>(code);
    if (!reason_allowed(PacketType::connack, Side::client, packet.reason)) {
      return in.protocol_error("reason code does not belong to CONNACK");
    }
    decode_properties(in, PacketType::connack, packet.properties);
  } else {
    packet.reason = reason_of_return_code(code);
    if (packet.reason == Reason::malformed_packet) {
      return in.malformed("return code does not exist");
    }
  }
  if (packet.session_present && packet.reason != Reason::success) {
    in.protocol_error("session present in a refusal");
  }
}

}  // namespace tandemq::mqtt
