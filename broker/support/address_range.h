// A range of IP addresses, as "10.0.0.0/8", "fd00::/64" or one address.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace tandemq {

// The bytes of a numeric address, 4 or 16, without its port and brackets: of "10.0.0.1:50000",
// "[fd00::1]:50000", "10.0.0.1". An IPv4 address that IPv6 carries counts as IPv4. Empty for
// anything else.
std::string address_bytes_of(std::string_view address);

// Whose it is: the bytes of an IPv4 address, the first 8 of IPv6, of which a customer has as many
// as it likes. Empty as above.
std::string network_of(std::string_view address);

class AddressRange {
 public:
  // The error says what is wrong with it, and the form.
  static Result<AddressRange> parse(std::string_view text);

  // `address`: as address_bytes_of gives it.
  bool contains(std::string_view address) const;

 private:
  std::string bytes_;
  std::size_t bits_ = 0;
};

}  // namespace tandemq
