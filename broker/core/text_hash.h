// Hashing of topics, filters and client identifiers: 16 bytes a step with a wide multiplication.
// `seed` keeps clients from choosing texts that collide; the shell draws it at start. Hashes never
// leave the process and nothing visible depends on their order.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace tandemq::core {

inline std::uint64_t mix64(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <class T>
std::uint64_t load_word(const char* at) {
  T word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

inline std::uint64_t hash_text(std::string_view text, std::uint64_t seed) {
  constexpr std::uint64_t kOdd1 = 0x9e3779b97f4a7c15u, kOdd2 = 0xd6e8feb86659fd93u;
  const char* at = text.data();
  std::size_t left = text.size();
  std::uint64_t hash = seed ^ (left * kOdd1);
  for (; left > 16; left -= 16, at += 16)
    hash = mix64(load_word<std::uint64_t>(at) ^ kOdd1, load_word<std::uint64_t>(at + 8) ^ hash);
  std::uint64_t first = 0, last = 0;
  if (left >= 8) {
    first = load_word<std::uint64_t>(at);
    last = load_word<std::uint64_t>(at + left - 8);
  } else if (left >= 4) {
    first = load_word<std::uint32_t>(at);
    last = load_word<std::uint32_t>(at + left - 4);
  } else if (left > 0) {
    first = static_cast<std::uint64_t>(static_cast<unsigned char>(at[0])) << 16 |
            static_cast<std::uint64_t>(static_cast<unsigned char>(at[left / 2])) << 8 |
            static_cast<unsigned char>(at[left - 1]);
  }
  return mix64(mix64(first ^ kOdd2, last ^ hash), kOdd1);
}

}  // namespace tandemq::core
