// CRC-32C (Castagnoli, RFC 3720 appendix B.4), in hardware where the processor has SSE 4.2.
#pragma once

#include <cstdint>
#include <string_view>

namespace tandemq {

// Continues `seed` (0 at the start) over `data`.
std::uint32_t crc32c(std::string_view data, std::uint32_t seed = 0);

}  // namespace tandemq
