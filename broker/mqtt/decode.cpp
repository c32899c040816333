#include "broker/mqtt/decode.h"

#include <initializer_list>

#include "broker/mqtt/decode_parts.h"

namespace tandemq::mqtt {
namespace {

constexpr unsigned number(PacketType type) {
  return static_cast<unsigned>(type);
}

// Reserved flags of the fixed header (5.0 table 2-2): PUBREL, SUBSCRIBE, UNSUBSCRIBE 2, others 0.
bool flags_ok(PacketType type, unsigned flags, Version version) {
  const bool has_qos1 = type == PacketType::pubrel || type == PacketType::subscribe ||
                        type == PacketType::unsubscribe;
  // 3.1 allows DUP on these when they are sent again.
  if (has_qos1 && version == Version::v31) flags &= 7;
  return flags == (has_qos1 ? 2u : 0u);
}

// PUBLISH and its acknowledgements as all versions have them, from either side.
constexpr bool carries_message(std::uint8_t first) {
  switch (first) {
    case number(PacketType::puback) << 4:
    case number(PacketType::pubrec) << 4:
    case number(PacketType::pubrel) << 4 | 2:
    case number(PacketType::pubcomp) << 4:
      return true;
    default:
      return first >> 4 == number(PacketType::publish);
  }
}

constexpr unsigned types(std::initializer_list<PacketType> list) {
  unsigned mask = 0;
  for (const PacketType type : list) mask |= 1u << number(type);
  return mask;
}
constexpr unsigned read_by_server =
    types({PacketType::connect, PacketType::publish, PacketType::puback, PacketType::pubrec,
           PacketType::pubrel, PacketType::pubcomp, PacketType::subscribe, PacketType::unsubscribe,
           PacketType::pingreq, PacketType::disconnect, PacketType::auth});
constexpr unsigned read_by_client =
    types({PacketType::connack, PacketType::publish, PacketType::puback, PacketType::pubrec,
           PacketType::pubrel, PacketType::pubcomp, PacketType::suback, PacketType::unsuback,
           PacketType::pingresp, PacketType::disconnect, PacketType::auth});

struct Header {
  std::size_t size = 0;  // of the fixed header; 0: more input needed
  std::uint32_t remaining = 0;
  bool too_long = false;
  bool minimal = true;
};

Header read_header(std::string_view in) {
  Header header;
  if (in.size() > 1 && (in[1] & 0x80) == 0) {  // most are short
    header.size = 2;
    header.remaining = static_cast<std::uint8_t>(in[1]);
    return header;
  }
  for (std::size_t i = 1; i < in.size() && i <= 4; ++i) {
    const auto next = static_cast<std::uint8_t>(in[i]);
    header.remaining |= (next & 0x7fu) << 7 * (i - 1);
    if (next & 0x80) continue;
    header.minimal = next != 0 || i == 1;
    header.size = i + 1;
    return header;
  }
  header.too_long = in.size() > 4;
  return header;
}

}  // namespace

Decoded Decoder::fail(Reason reason, const char* text) {
  reason_ = reason;
  text_ = text;
  return Decoded::error;
}

// What the first byte tells: type and flags, before the rest of the packet is there.
bool Decoder::first_byte_ok(std::uint8_t first) {
  if (connected_ && carries_message(first)) return true;
  const auto type = static_cast<PacketType>(first >> 4);
  const auto refuse = [&](Reason reason, const char* text) {
    fail(reason, text);
    return false;
  };
  if (number(type) == 0 || (type == PacketType::auth && version_ != Version::v5)) {
    return refuse(Reason::malformed_packet, "packet type is reserved");
  }
  if (side_ == Side::server && connected_ == (type == PacketType::connect)) {
    return refuse(Reason::protocol_error,
                  connected_ ? "second CONNECT on one connection" : "first packet is not CONNECT");
  }
  const unsigned readable = side_ == Side::server ? read_by_server : read_by_client;
  const bool server_disconnect = side_ == Side::client && type == PacketType::disconnect;
  if (!(readable >> number(type) & 1) || (server_disconnect && version_ != Version::v5)) {
    return refuse(Reason::protocol_error, "the other side never sends this packet");
  }
  if (type != PacketType::publish && !flags_ok(type, first & 0xfu, version_)) {
    return refuse(Reason::malformed_packet, "reserved flags of the fixed header are set");
  }
  return true;
}

void Decoder::decode_body(Reader& in, std::uint8_t first, Packet& packet) {
  switch (packet.type) {
    case PacketType::publish:
      return decode_publish(in, version_, side_, first & 0xfu, packet.publish, scratch_);
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp:
      return decode_ack(in, version_, packet.type, packet.ack);
    case PacketType::connect:
      return decode_connect(in, packet.connect, version_, scratch_);
    case PacketType::connack:
      return decode_connack(in, version_, packet.connack);
    case PacketType::subscribe:
      return decode_subscribe(in, version_, packet.subscribe);
    case PacketType::unsubscribe:
      return decode_unsubscribe(in, version_, packet.unsubscribe);
    case PacketType::suback:
    case PacketType::unsuback:
      return decode_subscribe_ack(in, version_, packet.type, packet.subscribe_ack);
    case PacketType::disconnect:
      return decode_disconnect(in, version_, side_, packet.disconnect);
    case PacketType::auth:
      return decode_auth(in, side_, packet.auth);
    case PacketType::pingreq:
    case PacketType::pingresp:
      return;
  }
}

Decoded Decoder::decode(std::string_view in, Packet& packet, std::size_t& consumed) {
  consumed = 0;
  if (in.empty()) return Decoded::need_more;
  const auto first = static_cast<std::uint8_t>(in[0]);
  if (!first_byte_ok(first)) return Decoded::error;

  const Header header = read_header(in);
  if (header.too_long) {
    return fail(Reason::malformed_packet, "remaining length has more than four bytes");
  }
  if (header.size == 0) return Decoded::need_more;
  const std::size_t size = header.size + header.remaining;
  if (maximum_packet_size_ != 0 && size > maximum_packet_size_) {
    return fail(Reason::packet_too_large, "packet is larger than the maximum packet size");
  }
  if (in.size() < size) return Decoded::need_more;

  Reader body(in.substr(header.size, header.remaining));
  packet.type = static_cast<PacketType>(first >> 4);
  decode_body(body, first, packet);
  if (!body.ok()) return fail(body.reason(), body.text());
  if (body.left() != 0) {
    return fail(Reason::malformed_packet, "packet goes on after its last field");
  }
  // Only 5.0 demands the shortest form, and of a CONNECT the version is known only now.
  if (!header.minimal && version_ == Version::v5) {
    return fail(Reason::malformed_packet, "remaining length is not minimal");
  }
  connected_ = true;
  consumed = size;
  return Decoded::packet;
}

}  // namespace tandemq::mqtt
