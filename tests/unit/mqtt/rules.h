// Decoding of packets written as hex, for tests of single rules.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/support/mqtt_packets.h"

namespace tandemq::mqtt::test {

// "30 03 'a/b'" : hex bytes, and text between apostrophes.
inline std::string bytes_of(std::string_view text) {
  std::string out;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == ' ') {
      ++i;
    } else if (text[i] == '\'') {
      const std::size_t end = text.find('\'', i + 1);
      out += text.substr(i + 1, end - i - 1);
      i = end + 1;
    } else {
      out += static_cast<char>(digit(text[i]) << 4 | digit(text[i + 1]));
      i += 2;
    }
  }
  return out;
}

// A first byte and a body; the remaining length is put between.
inline std::string packet_of(std::string_view first, std::string_view body) {
  const std::string rest = bytes_of(body);
  std::string out = bytes_of(first);
  for (std::size_t left = rest.size();; left >>= 7) {
    out += static_cast<char>((left & 0x7f) | (left >= 0x80 ? 0x80 : 0));
    if (left < 0x80) break;
  }
  return out + rest;
}

struct Rule {
  const char* what;
  const char* first;
  const char* body;
  Reason reason;  // success: the packet is taken
};

inline void check_rule(Decoder decoder, const Rule& rule) {
  CAPTURE(std::string(rule.what));
  Packet packet;
  std::size_t consumed = 0;
  const Decoded result = decoder.decode(packet_of(rule.first, rule.body), packet, consumed);
  CAPTURE(std::string(decoder.error_text()));
  CHECK(result == (rule.reason == Reason::success ? Decoded::packet : Decoded::error));
  CHECK(decoder.error_reason() == rule.reason);
}

inline void check_rules(Side side, Version version, std::initializer_list<Rule> rules) {
  for (const Rule& rule : rules) check_rule(connected(side, version), rule);
}

}  // namespace tandemq::mqtt::test
