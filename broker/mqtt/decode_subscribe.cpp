#include "broker/mqtt/decode_parts.h"
#include "broker/mqtt/reason_codes.h"

namespace tandemq::mqtt {
namespace {

SubscribeFilter read_filter(Reader& in, Version version) {
  SubscribeFilter filter;
  filter.filter = in.string();
  const unsigned options = in.u8();
  filter.qos = options & 3;
  if (version != Version::v5) {
    if (options > 2) in.malformed("requested QoS is not 0, 1 or 2");
    return filter;
  }
  filter.no_local = (options & 0x04) != 0;
  filter.retain_as_published = (options & 0x08) != 0;
  filter.retain_handling = options >> 4 & 3;
  if (options & 0xc0) in.malformed("reserved subscription option is set");
  if (filter.qos == 3) in.protocol_error("maximum QoS of a subscription is 3");
  if (filter.retain_handling == 3) in.protocol_error("retain handling is 3");
  if (filter.no_local && filter.filter.starts_with("$share/")) {
    in.protocol_error("no local on a shared subscription");
  }
  return filter;
}

}  // namespace

void decode_subscribe(Reader& in, Version version, Subscribe& packet) {
  reset(packet.properties);
  packet.filters.clear();
  packet.packet_id = in.packet_id();
  if (version == Version::v5) decode_properties(in, PacketType::subscribe, packet.properties);
  while (in.left() != 0) packet.filters.push_back(read_filter(in, version));
  if (packet.filters.empty()) in.protocol_error("SUBSCRIBE without a topic filter");
}

void decode_unsubscribe(Reader& in, Version version, Unsubscribe& packet) {
  reset(packet.properties);
  packet.filters.clear();
  packet.packet_id = in.packet_id();
  if (version == Version::v5) decode_properties(in, PacketType::unsubscribe, packet.properties);
  while (in.left() != 0) packet.filters.push_back(in.string());
  if (packet.filters.empty()) in.protocol_error("UNSUBSCRIBE without a topic filter");
}

void decode_subscribe_ack(Reader& in, Version version, PacketType type, SubscribeAck& packet) {
  reset(packet.properties);
  packet.codes.clear();
  packet.packet_id = in.packet_id();
  if (version == Version::v5) {
    decode_properties(in, type, packet.properties);
  } else if (type == PacketType::unsuback) {
    return;
  }
  while (in.left() != 0) {
    const auto code = static_cast<Reason>(in.u8());
    const bool allowed = version == Version::v5
                             ? reason_allowed(type, Side::client, code)
                             : code <= Reason::granted_qos2 || code == Reason::unspecified_error;
    if (!allowed) return in.protocol_error("reason code does not belong to this acknowledgement");
    packet.codes.push_back(code);
  }
  if (packet.codes.empty()) in.protocol_error("acknowledgement without a reason code");
}

}  // namespace tandemq::mqtt
