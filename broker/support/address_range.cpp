#include "broker/support/address_range.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>

namespace tandemq {
namespace {

constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);  // IPv4 in IPv6

std::string numeric(const std::string& host) {
  char bytes[16];
  if (inet_pton(AF_INET, host.c_str(), bytes) == 1) return {bytes, 4};
  if (inet_pton(AF_INET6, host.c_str(), bytes) == 1) return {bytes, 16};
  return {};
}

}  // namespace

std::string address_bytes_of(std::string_view address) {
  std::string host(address);
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else if (host.find(':') == host.rfind(':')) {
    host.resize(std::min(host.find(':'), host.size()));
  }
  const std::string bytes = numeric(host.substr(0, host.find('%')));  // without its interface
  return bytes.starts_with(kMapped) ? bytes.substr(kMapped.size()) : bytes;
}

std::string network_of(std::string_view address) {
  constexpr std::size_t kNetworkBytes = 8;
  return address_bytes_of(address).substr(0, kNetworkBytes);
}

Result<AddressRange> AddressRange::parse(std::string_view text) {
  const Error wrong{"has \"" + std::string(text) +
                    "\", which is no address and no range; write \"10.0.0.5\", \"10.0.0.0/8\" or "
                    "\"fd00::/64\""};
  const std::size_t slash = text.find('/');
  AddressRange range;
  range.bytes_ = numeric(std::string(text.substr(0, slash)));
  range.bits_ = range.bytes_.size() * 8;
  if (range.bytes_.empty()) return wrong;
  if (slash == text.npos) return range;
  const std::string_view digits = text.substr(slash + 1);
  std::size_t bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc{} || end != digits.data() + digits.size() || bits > range.bits_) {
    return wrong;
  }
  range.bits_ = bits;
  return range;
}

bool AddressRange::contains(std::string_view address) const {
  if (address.size() != bytes_.size()) return false;
  const std::size_t whole = bits_ / 8;
  if (address.substr(0, whole) != std::string_view(bytes_).substr(0, whole)) return false;
  const std::size_t rest = bits_ % 8;
  if (rest == 0) return true;
  const auto differ = static_cast<unsigned char>(address[whole] ^ bytes_[whole]);
  return differ >> (8 - rest) == 0;
}

}  // namespace tandemq
