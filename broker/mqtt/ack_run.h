// Acknowledgements of one type right behind one another, as most come: PUBACK, PUBREC, PUBREL or
// PUBCOMP with nothing but a packet identifier (MQTT 5.0 sections 3.4 to 3.7: reason code and
// properties may be left out; 3.1.1 has neither).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/mqtt/packet_type.h"

namespace tandemq::mqtt {

struct AckRun {
  static constexpr std::size_t kPacketSize = 4;

  PacketType type = PacketType::puback;
  std::string_view packets;  // whole ones, views into what was received

  std::size_t size() const { return packets.size() / kPacketSize; }
  std::uint16_t id(std::size_t i) const {
    const auto* at = reinterpret_cast<const unsigned char*>(packets.data()) + i * kPacketSize;
    return static_cast<std::uint16_t>(at[2] << 8 | at[3]);
  }
};

// Whether a run may begin here: two packets at least. One is for the decoder.
inline bool may_be_ack_run(std::string_view in) {
  return in.size() >= 2 * AckRun::kPacketSize && (in[0] & 0xc0) == 0x40;
}

// The run at the front of `in`, of at most `most` packets. It ends before another packet, a longer
// form of these, and the identifier 0: the decoder has to look at them.
AckRun ack_run(std::string_view in, std::size_t most);

}  // namespace tandemq::mqtt
