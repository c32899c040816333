#include "broker/mqtt/encode.h"
#include "broker/mqtt/writer.h"

namespace tandemq::mqtt {
namespace {

bool plain(const Properties& properties) {
  return properties.present == 0 && properties.user.empty();
}

}  // namespace

void encode_ack(std::string& out, Version version, PacketType type, std::uint16_t packet_id,
                Reason reason) {
  const unsigned first = static_cast<unsigned>(type) << 4 | (type == PacketType::pubrel ? 2 : 0);
  const bool tells = version == Version::v5 && reason != Reason::success;
  char raw[5];
  RawWriter writer{raw};
  writer.u16(first << 8 | (tells ? 3 : 2));
  writer.u16(packet_id);
  if (tells) writer.u8(static_cast<unsigned>(reason));
  out.append(raw, tells ? 5 : 4);
}

void encode_ack(std::string& out, Version version, PacketType type, const Ack& packet,
                std::uint32_t maximum_packet_size) {
  if (version != Version::v5 || plain(packet.properties))
    return encode_ack(out, version, type, packet.packet_id, packet.reason);
  put_limited(out, type, maximum_packet_size, [&](std::string& body, Keep keep) {
    put_u16(body, packet.packet_id);
    put_u8(body, static_cast<unsigned>(packet.reason));
    put_properties(body, packet.properties, keep);
  });
}

void encode(std::string& out, Version version, const Subscribe& packet) {
  std::string body;
  put_u16(body, packet.packet_id);
  if (version == Version::v5) put_properties(body, packet.properties);
  for (const SubscribeFilter& filter : packet.filters) {
    put_string(body, filter.filter);
    unsigned options = filter.qos;
    if (version == Version::v5) {
      options |= (filter.no_local ? 0x04u : 0u) | (filter.retain_as_published ? 0x08u : 0u) |
                 static_cast<unsigned>(filter.retain_handling) << 4;
    }
    put_u8(body, options);
  }
  put_packet(out, PacketType::subscribe, 2, body);
}

void encode(std::string& out, Version version, const Unsubscribe& packet) {
  std::string body;
  put_u16(body, packet.packet_id);
  if (version == Version::v5) put_properties(body, packet.properties);
  for (const std::string_view filter : packet.filters) put_string(body, filter);
  put_packet(out, PacketType::unsubscribe, 2, body);
}

void encode_subscribe_ack(std::string& out, Version version, PacketType type,
                          const SubscribeAck& packet, std::uint32_t maximum_packet_size) {
  put_limited(out, type, maximum_packet_size, [&](std::string& body, Keep keep) {
    put_u16(body, packet.packet_id);
    if (version == Version::v5) put_properties(body, packet.properties, keep);
    if (version != Version::v5 && type == PacketType::unsuback) return;
    for (const Reason code : packet.codes) {
      // 3.1.1 knows no failure but 0x80 ([MQTT-3.9.3-2]).
      const Reason written =
          version != Version::v5 && is_error(code) ? Reason::unspecified_error : code;
      put_u8(body, static_cast<unsigned>(written));
    }
  });
}

void encode(std::string& out, Version version, const Disconnect& packet,
            std::uint32_t maximum_packet_size) {
  put_limited(out, PacketType::disconnect, maximum_packet_size, [&](std::string& body, Keep keep) {
    if (version != Version::v5) return;
    const bool bare = plain(packet.properties);
    if (bare && packet.reason == Reason::success) return;
    put_u8(body, static_cast<unsigned>(packet.reason));
    if (!bare) put_properties(body, packet.properties, keep);
  });
}

void encode(std::string& out, const Auth& packet, std::uint32_t maximum_packet_size) {
  put_limited(out, PacketType::auth, maximum_packet_size, [&](std::string& body, Keep keep) {
    if (packet.reason == Reason::success && plain(packet.properties)) return;
    put_u8(body, static_cast<unsigned>(packet.reason));
    put_properties(body, packet.properties, keep);
  });
}

void encode_pingreq(std::string& out) {
  extend(out, 2).u16(0xc000);
}
void encode_pingresp(std::string& out) {
  extend(out, 2).u16(0xd000);
}

}  // namespace tandemq::mqtt
