// How many connections are taken, how fast, and what each may bring.
#pragma once

#include <cstdint>

namespace tandemq::net {

// Connections of clients; 0: no limit. Each listener has its own beside.
struct ConnectionLimits {
  std::uint32_t total = 0;
  std::uint32_t per_address = 0;
  std::uint32_t per_user = 0;
  std::uint32_t connects_per_s = 0;  // over all listeners
  // Of each: PUBLISHes, and their bytes.
  std::uint64_t publishes_per_s = 0;
  std::uint64_t publish_bytes_per_s = 0;
  std::uint64_t memory_max = 0;  // bytes of the process, in all
};

}  // namespace tandemq::net
