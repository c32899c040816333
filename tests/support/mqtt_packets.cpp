#include "tests/support/mqtt_packets.h"

#include "broker/base/check.h"

namespace tandemq::mqtt::test {

void encode_any(std::string& out, Version version, const Packet& packet) {
  switch (packet.type) {
    case PacketType::connect:
      return encode(out, packet.connect);
    case PacketType::connack:
      return encode(out, version, packet.connack);
    case PacketType::publish:
      return encode(out, version, packet.publish);
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp:
      return encode_ack(out, version, packet.type, packet.ack);
    case PacketType::subscribe:
      return encode(out, version, packet.subscribe);
    case PacketType::unsubscribe:
      return encode(out, version, packet.unsubscribe);
    case PacketType::suback:
    case PacketType::unsuback:
      return encode_subscribe_ack(out, version, packet.type, packet.subscribe_ack);
    case PacketType::pingreq:
      return encode_pingreq(out);
    case PacketType::pingresp:
      return encode_pingresp(out);
    case PacketType::disconnect:
      return encode(out, version, packet.disconnect);
    case PacketType::auth:
      return encode(out, packet.auth);
  }
}

bool equal(const Packet& a, const Packet& b) {
  if (a.type != b.type) return false;
  switch (a.type) {
    case PacketType::connect:
      return a.connect == b.connect;
    case PacketType::connack:
      return a.connack == b.connack;
    case PacketType::publish:
      return a.publish == b.publish;
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp:
      return a.ack == b.ack;
    case PacketType::subscribe:
      return a.subscribe == b.subscribe;
    case PacketType::unsubscribe:
      return a.unsubscribe == b.unsubscribe;
    case PacketType::suback:
    case PacketType::unsuback:
      return a.subscribe_ack == b.subscribe_ack;
    case PacketType::disconnect:
      return a.disconnect == b.disconnect;
    case PacketType::auth:
      return a.auth == b.auth;
    case PacketType::pingreq:
    case PacketType::pingresp:
      return true;
  }
  return false;
}

Decoder connected(Side side, Version version) {
  Decoder decoder(side);
  decoder.set_version(version);
  if (side == Side::server) {
    Connect connect;
    connect.version = version;
    connect.clean_start = true;
    std::string bytes;
    encode(bytes, connect);
    Packet packet;
    std::size_t consumed = 0;
    TMQ_CHECK(decoder.decode(bytes, packet, consumed) == Decoded::packet);
  }
  return decoder;
}

}  // namespace tandemq::mqtt::test
