#include "broker/mqtt/decode_parts.h"
#include "broker/mqtt/reason_codes.h"
#include "broker/mqtt/utf8.h"

namespace tandemq::mqtt {
namespace {

constexpr unsigned flag_retain = 0x1;
constexpr unsigned flag_dup = 0x8;

void check_topic(Reader& in, std::string_view topic) {
  switch (check_name(topic)) {
    case NameCheck::ok:
      return;
    case NameCheck::not_utf8:
      return in.malformed("topic is not UTF-8 or holds U+0000");
    case NameCheck::has_wildcard:
      return in.fail(Reason::topic_name_invalid, "topic name has a wildcard");
  }
}

}  // namespace

void decode_publish(Reader& in, Version version, Side side, unsigned flags, Publish& packet,
                    std::string& scratch) {
  packet.qos = flags >> 1 & 3;
  packet.dup = (flags & flag_dup) != 0;
  packet.retain = (flags & flag_retain) != 0;
  packet.packet_id = 0;
  if (packet.qos == 3) return in.malformed("QoS is 3");
  if (packet.dup && packet.qos == 0 && version != Version::v31) {
    return in.malformed("DUP is set at QoS 0");
  }
  packet.topic = in.binary();
  if (packet.qos != 0) packet.packet_id = in.packet_id();
  check_topic(in, packet.topic);
  reset(packet.properties);
  if (version == Version::v5) {
    decode_publish_properties(in, side, packet.properties, nullptr, scratch);
  }
  if (packet.topic.empty() && packet.properties.topic_alias == 0) {
    return in.protocol_error("topic name is empty and there is no topic alias");
  }
  packet.payload = in.rest();
}

// PUBACK, PUBREC, PUBREL, PUBCOMP (5.0 sections 3.4 to 3.7): reason and properties may be missing.
void decode_ack(Reader& in, Version version, PacketType type, Ack& packet) {
  reset(packet.properties);
  packet.reason = Reason::success;
  packet.packet_id = in.packet_id();
  if (in.left() == 0 || version != Version::v5) return;
  packet.reason = static_cast<Reason>(in.u8());
  if (!reason_allowed(type, Side::server, packet.reason)) {
    return in.protocol_error("reason code does not belong to this acknowledgement");
  }
  if (in.left() != 0) decode_properties(in, type, packet.properties);
}

}  // namespace tandemq::mqtt
