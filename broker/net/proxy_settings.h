// Which proxies may say where a client really is.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "broker/support/address_range.h"

namespace tandemq::net {

struct ProxySettings {
  std::vector<AddressRange> from;
  bool from_unix = false;  // whoever may open the listener's Unix socket

  bool on() const { return from_unix || !from.empty(); }
  // `address`: as Transport::peer_address.
  bool trusts(const std::string& address) const {
    if (address.starts_with("unix")) return from_unix;
    const std::string bytes = address_bytes_of(address);
    return std::any_of(from.begin(), from.end(),
                       [&](const AddressRange& range) { return range.contains(bytes); });
  }
};

}  // namespace tandemq::net
