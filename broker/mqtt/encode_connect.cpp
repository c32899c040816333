#include "broker/mqtt/encode.h"
#include "broker/mqtt/encode_publish_properties.h"
#include "broker/mqtt/reason_codes.h"
#include "broker/mqtt/writer.h"

namespace tandemq::mqtt {
namespace {

unsigned connect_flags(const Connect& packet) {
  unsigned flags = packet.clean_start ? 0x02 : 0;
  if (packet.has_will) {
    flags |= 0x04 | static_cast<unsigned>(packet.will.qos) << 3 | (packet.will.retain ? 0x20 : 0);
  }
  return flags | (packet.has_password ? 0x40 : 0) | (packet.has_username ? 0x80 : 0);
}

void put_will(std::string& out, Version version, const Will& will) {
  if (version == Version::v5) {
    const PublishProperties& properties = will.properties;
    const std::size_t size = publish_properties_size(properties) + (will.delay_s ? 5 : 0);
    RawWriter writer = extend(out, variable_size(size) + size);
    writer.variable(size);
    if (will.delay_s) {
      writer.u8(static_cast<unsigned>(Property::will_delay));
      writer.u32(will.delay_s);
    }
    write_publish_properties(writer, properties);
  }
  put_string(out, will.topic);
  put_string(out, will.payload);
}

}  // namespace

void encode(std::string& out, const Connect& packet) {
  std::string body;
  put_string(body, packet.version == Version::v31 ? "MQIsdp" : "MQTT");
  put_u8(body, static_cast<unsigned>(packet.version));
  put_u8(body, connect_flags(packet));
  put_u16(body, packet.keep_alive_s);
  if (packet.version == Version::v5) put_properties(body, packet.properties);
  put_string(body, packet.client_id);
  if (packet.has_will) put_will(body, packet.version, packet.will);
  if (packet.has_username) put_string(body, packet.username);
  if (packet.has_password) put_string(body, packet.password);
  put_packet(out, PacketType::connect, 0, body);
}

void encode(std::string& out, Version version, const Connack& packet,
            std::uint32_t maximum_packet_size) {
  if (version != Version::v5) {
    const int code = connect_return_code(packet.reason);
    if (code < 0) return;
    RawWriter writer = extend(out, 4);
    writer.u16(0x2002);
    writer.u8(version == Version::v311 && packet.session_present);
    writer.u8(static_cast<unsigned>(code));
    return;
  }
  put_limited(out, PacketType::connack, maximum_packet_size, [&](std::string& body, Keep keep) {
    put_u8(body, packet.session_present);
    put_u8(body, static_cast<unsigned>(packet.reason));
    put_properties(body, packet.properties, keep);
  });
}

}  // namespace tandemq::mqtt
