#include "broker/access/base64url.h"

#include <cstdint>

namespace tandemq::broker {
namespace {

constexpr unsigned kNoDigit = 64;

unsigned digit_of(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<unsigned>(c - 'a') + 26;
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0') + 52;
  if (c == '-') return 62;
  return c == '_' ? 63 : kNoDigit;
}

}  // namespace

std::optional<std::string> from_base64url(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const unsigned digit = digit_of(c);
    if (digit == kNoDigit) return {};
    bits = bits << 6 | digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  const bool whole = count < 6 && (bits & ((1u << count) - 1)) == 0;
  return whole ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace tandemq::broker
