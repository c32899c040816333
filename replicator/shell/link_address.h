// Addresses and sockets of the replication link.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "broker/base/result.h"

namespace tandemq::repl {

struct LinkAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* any() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* any() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  std::uint16_t port() const;
  // Whatever the port.
  bool same_host(const LinkAddress& other) const;
};

// Error code 2: it is a name, not an address.
Result<LinkAddress> parse_link_address(const std::string& address, std::uint16_t port);

// What a link over a local network wants: no waiting to fill packets, and unacknowledged data ends
// the connection when the peer's silence would.
void tune_link(int fd, std::uint32_t silence_ms);

}  // namespace tandemq::repl
