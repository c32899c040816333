// How many connections are taken.
#pragma once

#include <cstdint>

namespace tandemq::net {

// Connections of clients; 0: no limit. Each listener has its own beside.
struct ConnectionLimits {
  std::uint32_t total = 0;
  std::uint32_t per_address = 0;
  std::uint32_t per_user = 0;
};

}  // namespace tandemq::net
