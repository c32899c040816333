#include <doctest/doctest.h>

#include <string>

#include "tests/support/mqtt_packets.h"

using namespace tandemq::mqtt;
using namespace tandemq::mqtt::test;

namespace {

constexpr std::uint64_t seed = 20240611;
constexpr Version versions[] = {Version::v31, Version::v311, Version::v5};
constexpr Side sides[] = {Side::server, Side::client};

void check_round_trip(Decoder decoder, Version version, const Packet& original) {
  std::string bytes;
  encode_any(bytes, version, original);
  CAPTURE(bytes.size());
  CAPTURE(static_cast<int>(original.type));
  CAPTURE(static_cast<int>(version));
  Packet decoded;
  std::size_t consumed = 0;
  // Nothing is taken from any shorter input (of long packets: the first part of it).
  for (std::size_t size = 0; size < bytes.size() && size < 300; ++size) {
    REQUIRE(decoder.decode(std::string_view(bytes).substr(0, size), decoded, consumed) ==
            Decoded::need_more);
    REQUIRE(consumed == 0);
  }
  const std::string with_next = bytes + "\xc0";
  REQUIRE_MESSAGE(decoder.decode(with_next, decoded, consumed) == Decoded::packet,
                  decoder.error_text());
  REQUIRE(consumed == bytes.size());
  REQUIRE(equal(original, decoded));
}

}  // namespace

TEST_CASE("what is encoded decodes to the same packet, in every version, to either side") {
  CAPTURE(seed);
  RandomPackets random(seed);
  for (int i = 0; i < 20000; ++i) {
    CAPTURE(i);
    const Version version = versions[random.number(2)];
    const Side reader = sides[random.number(1)];
    check_round_trip(connected(reader, version), version, random.next(reader, version));
  }
}

TEST_CASE("CONNECT decodes to what was encoded") {
  RandomPackets random(seed + 1);
  for (int i = 0; i < 4000; ++i) {
    CAPTURE(i);
    const Version version = versions[random.number(2)];
    check_round_trip(Decoder(), version, random.next_connect(version));
  }
}

TEST_CASE("a reused packet keeps nothing of the one before") {
  RandomPackets random(seed + 2);
  for (const Version version : versions) {
    Decoder decoder = connected(Side::client, version);
    Packet reused;
    for (int i = 0; i < 5000; ++i) {
      const Packet original = random.next(Side::client, version);
      std::string bytes;
      encode_any(bytes, version, original);
      std::size_t consumed = 0;
      REQUIRE(decoder.decode(bytes, reused, consumed) == Decoded::packet);
      REQUIRE(equal(original, reused));
    }
  }
}

TEST_CASE("encoded_size is what encode writes, also onto a filled buffer") {
  RandomPackets random(seed + 3);
  for (int i = 0; i < 3000;) {
    const Version version = versions[random.number(2)];
    const Packet packet = random.next(Side::client, version);
    if (packet.type != PacketType::publish) continue;
    ++i;
    std::string alone;
    encode(alone, version, packet.publish);
    CHECK(alone.size() == encoded_size(version, packet.publish));
    std::string appended(random.number(700), 'x');
    const std::string before = appended;
    encode(appended, version, packet.publish);
    CHECK(appended == before + alone);
  }
}

TEST_CASE("changed bytes are refused or decode to something that can be encoded again") {
  CAPTURE(seed);
  RandomPackets random(seed + 4);
  int refused = 0;
  int taken = 0;
  for (int i = 0; i < 60000; ++i) {
    CAPTURE(i);
    const Version version = versions[random.number(2)];
    const Side reader = sides[random.number(1)];
    std::string bytes;
    const bool connect = reader == Side::server && random.number(4) == 0;
    encode_any(bytes, version,
               connect ? random.next_connect(version) : random.next(reader, version));
    for (std::uint32_t left = 1 + random.number(3); left > 0; --left) {
      const auto last = static_cast<std::uint32_t>(bytes.size() - 1);
      bytes[random.number(last)] = static_cast<char>(random.number(255));
    }
    Decoder decoder = connect ? Decoder() : connected(reader, version);
    Packet packet;
    std::size_t consumed = 0;
    const Decoded result = decoder.decode(bytes, packet, consumed);
    if (result == Decoded::error) {
      ++refused;
      REQUIRE(is_error(decoder.error_reason()));
      REQUIRE(*decoder.error_text() != '\0');
    }
    if (result != Decoded::packet) continue;
    ++taken;
    REQUIRE(consumed <= bytes.size());
    std::string again;
    encode_any(again, decoder.version(), packet);
    Decoder second =
        packet.type == PacketType::connect ? Decoder() : connected(reader, decoder.version());
    Packet decoded;
    REQUIRE(second.decode(again, decoded, consumed) == Decoded::packet);
    REQUIRE(equal(packet, decoded));
  }
  CHECK(refused > 1000);
  CHECK(taken > 1000);
}
