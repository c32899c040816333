// What each payload begins with, so that a receiver can tell which message it is.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tandemq::bench {

struct Stamp {
  std::uint64_t sent_ns = 0;  // first sending, on the steady clock of this process
  std::uint64_t sequence = 0;
  std::uint32_t publisher = 0;
  std::uint32_t qos = 0;
};

// Smallest payload that can carry a stamp.
constexpr std::size_t payload_min = sizeof(Stamp);

inline void write_stamp(std::string& payload, const Stamp& stamp) {
  std::memcpy(payload.data(), &stamp, sizeof stamp);
}

// False if the payload is too short to have come from here.
inline bool read_stamp(std::string_view payload, Stamp& stamp) {
  if (payload.size() < sizeof stamp) return false;
  std::memcpy(&stamp, payload.data(), sizeof stamp);
  return true;
}

}  // namespace tandemq::bench
