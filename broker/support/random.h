// Randomness of the system.
#pragma once

#include <cstdint>
#include <string>

namespace tandemq {

std::uint64_t random_number();

// Twice as many hexadecimal digits as `bytes`.
std::string random_hex(std::size_t bytes);

}  // namespace tandemq
