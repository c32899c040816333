// What both decoder targets do: take a stream apart, and put every packet together again.
#pragma once

#include <string>
#include <string_view>

#include "broker/base/check.h"
#include "tests/support/mqtt_packets.h"

namespace tandemq::mqtt::test {

// What decodes must encode to something that decodes equal.
inline void check_round_trip(Side side, Version version, const Packet& packet) {
  std::string bytes;
  encode_any(bytes, version, packet);
  Decoder decoder = packet.type == PacketType::connect ? Decoder(side) : connected(side, version);
  Packet again;
  std::size_t consumed = 0;
  TMQ_CHECK(decoder.decode(bytes, again, consumed) == Decoded::packet);
  TMQ_CHECK(consumed == bytes.size());
  TMQ_CHECK(equal(packet, again));
}

inline void decode_stream(Decoder decoder, Side side, std::string_view in) {
  Packet packet;
  std::size_t consumed = 0;
  while (true) {
    const Decoded result = decoder.decode(in, packet, consumed);
    if (result == Decoded::error) {
      TMQ_CHECK(is_error(decoder.error_reason()));
      TMQ_CHECK(*decoder.error_text() != '\0');
    }
    if (result != Decoded::packet) {
      TMQ_CHECK(consumed == 0);
      return;
    }
    TMQ_CHECK(consumed >= 2 && consumed <= in.size());
    check_round_trip(side, decoder.version(), packet);
    in.remove_prefix(consumed);
  }
}

}  // namespace tandemq::mqtt::test
