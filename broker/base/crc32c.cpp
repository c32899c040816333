#include "broker/base/crc32c.h"

#include <array>
#include <cstddef>

#include "broker/base/bytes.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace tandemq {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // Castagnoli, bits reflected

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}

std::uint32_t by_table(std::string_view data, std::uint32_t crc) {
  static constexpr auto table = make_table();
  for (char c : data) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_hardware(std::string_view data,
                                                            std::uint32_t crc) {
  const char* at = data.data();
  std::size_t left = data.size();
  std::uint64_t wide = crc;
  for (; left >= 32; at += 32, left -= 32) {
    wide = _mm_crc32_u64(wide, get_le<std::uint64_t>(at));
    wide = _mm_crc32_u64(wide, get_le<std::uint64_t>(at + 8));
    wide = _mm_crc32_u64(wide, get_le<std::uint64_t>(at + 16));
    wide = _mm_crc32_u64(wide, get_le<std::uint64_t>(at + 24));
  }
  for (; left >= 8; at += 8, left -= 8) wide = _mm_crc32_u64(wide, get_le<std::uint64_t>(at));
  crc = static_cast<std::uint32_t>(wide);
  if (left >= 4) {
    crc = _mm_crc32_u32(crc, get_le<std::uint32_t>(at));
    at += 4, left -= 4;
  }
  for (; left > 0; ++at, --left) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(*at));
  return crc;
}
#endif

}  // namespace

std::uint32_t crc32c(std::string_view data, std::uint32_t seed) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return ~by_hardware(data, ~seed);
#endif
  return ~by_table(data, ~seed);
}

}  // namespace tandemq
