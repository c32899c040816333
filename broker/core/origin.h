// Where a command comes from.
#pragma once

#include <cstdint>

#include "broker/core/effects.h"

namespace tandemq::core {

// Names the place of a session among what the engine keeps beside it (seats.h); given out anew
// when the session is gone.
using SeatId = std::uint32_t;
constexpr SeatId kNoSeat = 0;

// Set by the shell from what it keeps per connection.
struct Origin {
  ConnId conn = 0;
  SeatId seat = kNoSeat;  // as returned by Engine::connect
  // QoS 1 PUBLISHes of this connection whose PUBACK has not gone out (it waits for commit).
  std::uint32_t unacknowledged = 0;
};

}  // namespace tandemq::core
