// Writes the fields of one MQTT packet into room that was made for them, or onto the end of a
// string. Private to broker/mqtt.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "broker/mqtt/packet.h"

namespace tandemq::mqtt {

constexpr std::size_t variable_size(std::size_t value) {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4;
}

// Fills memory that the caller has sized; each call moves `at` on.
struct RawWriter {
  char* at;

  void u8(unsigned value) { *at++ = static_cast<char>(value); }
  void u16(unsigned value) { u8(value >> 8), u8(value); }
  void u32(std::uint32_t value) { u16(value >> 16), u16(value & 0xffff); }
  void variable(std::size_t value) {
    for (; value >= 0x80; value >>= 7) u8(static_cast<unsigned>(value & 0x7f) | 0x80);
    u8(static_cast<unsigned>(value));
  }
  void bytes(std::string_view s) {
    if (s.empty()) return;
    std::memcpy(at, s.data(), s.size());
    at += s.size();
  }
  void string(std::string_view s) { u16(static_cast<unsigned>(s.size())), bytes(s); }
};

// Makes room for `size` bytes at the end of `out`.
inline RawWriter extend(std::string& out, std::size_t size) {
  const std::size_t begin = out.size();
  out.resize(begin + size);
  return {out.data() + begin};
}

inline void put_u8(std::string& out, unsigned value) {
  out.push_back(static_cast<char>(value));
}
inline void put_u16(std::string& out, unsigned value) {
  extend(out, 2).u16(value);
}
inline void put_u32(std::string& out, std::uint32_t value) {
  extend(out, 4).u32(value);
}
inline void put_variable(std::string& out, std::size_t value) {
  extend(out, variable_size(value)).variable(value);
}
inline void put_string(std::string& out, std::string_view s) {
  extend(out, s.size() + 2).string(s);
}

// Fixed header and body.
void put_packet(std::string& out, PacketType type, unsigned flags, std::string_view body);

// What of the optional properties is written (5.0 section 3.4.2.2.2 and its kin).
enum class Keep { all, no_user, nothing_optional };

// Length and properties, those of `properties.present` and the user properties.
void put_properties(std::string& out, const Properties& properties, Keep keep = Keep::all);

// Writes the packet that build(body, keep) fills, with as many optional properties as fit into
// `maximum_packet_size` (0: no limit); nothing when it is too large without them.
template <class Build>
void put_limited(std::string& out, PacketType type, std::uint32_t maximum_packet_size,
                 const Build& build) {
  std::string body;
  for (const Keep keep : {Keep::all, Keep::no_user, Keep::nothing_optional}) {
    body.clear();
    build(body, keep);
    const std::size_t size = 1 + variable_size(body.size()) + body.size();
    if (maximum_packet_size != 0 && size > maximum_packet_size) continue;
    return put_packet(out, type, type == PacketType::pubrel ? 2 : 0, body);
  }
}

}  // namespace tandemq::mqtt
