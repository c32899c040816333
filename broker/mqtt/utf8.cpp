#include "broker/mqtt/utf8.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "broker/mqtt/topic.h"

namespace tandemq::mqtt {
namespace {

constexpr std::uint64_t ones = 0x0101010101010101;
constexpr std::uint64_t highs = 0x8080808080808080;

std::uint64_t load8(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, 8);
  return word;
}
std::uint32_t load4(const char* at) {
  std::uint32_t word;
  std::memcpy(&word, at, 4);
  return word;
}

// Not 0 if a byte of the word is 0. Exact for "is there one", also next to bytes above 0x7f.
constexpr std::uint64_t zero_byte(std::uint64_t word) {
  return (word - ones) & ~word & highs;
}

struct PlainText {
  // Not 0 if a byte is 0 or not ASCII.
  static std::uint64_t special(std::uint64_t word) { return zero_byte(word) | (word & highs); }
};
struct PlainName {
  static std::uint64_t special(std::uint64_t word) {
    return zero_byte(word) | (word & highs) | zero_byte(word ^ ones * '+') |
           zero_byte(word ^ ones * '#');
  }
};

// True if all of `s` is ordinary in the sense of Class. The last word overlaps the one before.
template <class Class>
bool all_plain(std::string_view s) {
  const char* at = s.data();
  std::size_t left = s.size();
  if (left >= 8) {
    for (; left > 8; at += 8, left -= 8) {
      if (Class::special(load8(at))) return false;
    }
    return !Class::special(load8(at + left - 8));
  }
  if (left >= 4) {
    return !Class::special(std::uint64_t{load4(at)} << 32 | load4(at + left - 4));
  }
  std::uint64_t word = ones;  // 0x01 is ordinary to every class
  for (; left > 0; ++at, --left) word = word << 8 | static_cast<unsigned char>(*at);
  return !Class::special(word);
}

unsigned byte(std::string_view s, std::size_t i) {
  return static_cast<unsigned char>(s[i]);
}

// Length of the well-formed sequence at `i` (Unicode table 3-7), 0 if there is none.
std::size_t sequence_at(std::string_view s, std::size_t i) {
  const auto continues = [&](std::size_t at, unsigned low = 0x80, unsigned high = 0xbf) {
    return at < s.size() && byte(s, at) >= low && byte(s, at) <= high;
  };
  const unsigned lead = byte(s, i);
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return continues(i + 1) ? 2 : 0;
  if (lead < 0xf0) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : 0xbf;  // no surrogates
    return continues(i + 1, low, high) && continues(i + 2) ? 3 : 0;
  }
  if (lead < 0xf5) {
    const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
    return continues(i + 1, low, high) && continues(i + 2) && continues(i + 3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool valid_utf8(std::string_view s) {
  if (all_plain<PlainText>(s)) return true;
  for (std::size_t i = 0; i < s.size();) {
    if (i + 8 <= s.size() && !PlainText::special(load8(s.data() + i))) {
      i += 8;
      continue;
    }
    const std::size_t size = sequence_at(s, i);
    if (size == 0) return false;
    i += size;
  }
  return true;
}

NameCheck check_name(std::string_view s) {
  if (all_plain<PlainName>(s)) return NameCheck::ok;
  if (!valid_utf8(s)) return NameCheck::not_utf8;
  return has_wildcard(s) ? NameCheck::has_wildcard : NameCheck::ok;
}

}  // namespace tandemq::mqtt
