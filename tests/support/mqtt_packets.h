// What the codec's tests and fuzz targets share: any packet to bytes, two packets compared, random
// packets.
#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <string>

#include "broker/mqtt/decode.h"
#include "broker/mqtt/encode.h"
#include "broker/mqtt/packet.h"

namespace tandemq::mqtt::test {

// Encodes the member that `packet.type` names.
void encode_any(std::string& out, Version version, const Packet& packet);

// Compares the members that the types name.
bool equal(const Packet& a, const Packet& b);

// A decoder that has seen a CONNECT (server) or been told the version (client).
Decoder connected(Side side, Version version);

// Makes valid packets from a seed. Strings live in the generator.
class RandomPackets {
 public:
  explicit RandomPackets(std::uint64_t seed) : random_(seed) {}

  // A packet that `reader` may receive in `version` once connected.
  Packet next(Side reader, Version version);
  Packet next_connect(Version version);

  std::uint32_t number(std::uint32_t max);  // 0 to max
  bool coin() { return number(1) == 1; }

 private:
  std::string_view keep(std::string s) { return strings_.emplace_back(std::move(s)); }
  std::string_view text(std::uint32_t size_max);
  std::string_view name();
  std::string_view bytes(std::uint32_t size_max);
  std::uint16_t packet_id() { return static_cast<std::uint16_t>(1 + number(65534)); }
  Reason reason(PacketType type, Side reader);

  void fill_properties(PacketType type, Side reader, Properties& properties);
  void fill_value(Property property, Properties& properties);
  std::string_view forward();
  void fill_connect(Version version, Connect& connect);
  void fill_publish(Side reader, Version version, Publish& publish);
  void fill_subscribe(Version version, Packet& packet);
  void fill_acknowledgement(Side reader, Version version, Packet& packet);
  void fill_connack(Version version, Connack& packet);
  void fill_session_packet(Side reader, Packet& packet);

  std::mt19937_64 random_;
  std::deque<std::string> strings_;
};

}  // namespace tandemq::mqtt::test
