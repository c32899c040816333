#include <doctest/doctest.h>

#include "failover/shell/announcer.h"

using namespace tandemq::failover;

namespace {

const unsigned char kMac[6] = {2, 0, 0, 0, 0, 9};

std::string hex(const std::string& bytes) {
  std::string out;
  char text[3];
  for (const char c : bytes) {
    std::snprintf(text, sizeof text, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += text;
  }
  return out;
}

}  // namespace

TEST_CASE("gratuitous ARP, byte by byte") {
  CHECK(hex(gratuitous_arp(kMac, *parse_address("10.99.0.100/24"))) ==
        "0001080006040001"
        "0200000000090a630064"
        "ffffffffffff0a630064");
}

TEST_CASE("neighbour advertisement: header, flags, and a checksum that adds up") {
  const std::string packet = neighbour_advertisement(kMac, *parse_address("fd00::100/64"));
  REQUIRE(packet.size() == 72);
  CHECK(hex(packet.substr(0, 8)) == "6000000000203aff");
  CHECK(hex(packet.substr(40, 2)) == "8800");
  CHECK(hex(packet.substr(44, 4)) == "20000000");
  CHECK(hex(packet.substr(64)) == "0201020000000009");
  // Pseudo-header and message together give all ones.
  std::string all =
      packet.substr(8, 32) + std::string("\0\0\0\x20\0\0\0\x3a", 8) + packet.substr(40);
  unsigned sum = 0;
  for (std::size_t i = 0; i < all.size(); i += 2) {
    sum += static_cast<unsigned>(static_cast<unsigned char>(all[i]) << 8 |
                                 static_cast<unsigned char>(all[i + 1]));
  }
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  CHECK(sum == 0xffff);
}
