// Which reason codes a packet may carry (5.0 table 2-6), and the return codes of 3.x CONNACK.
// Private to broker/mqtt.
#pragma once

#include <cstdint>

#include "broker/mqtt/decode.h"
#include "broker/mqtt/packet.h"

namespace tandemq::mqtt {

// `reader` is the side that receives the packet: DISCONNECT and AUTH differ by direction.
bool reason_allowed(PacketType type, Side reader, Reason reason);

// Return code of CONNACK in 3.x (3.1.1 table 3.1); -1: none fits.
int connect_return_code(Reason reason);
// The other way; Reason::malformed_packet for a return code that does not exist.
Reason reason_of_return_code(std::uint8_t code);

}  // namespace tandemq::mqtt
