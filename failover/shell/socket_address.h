// "10.98.0.11:7884" or "[fd00::11]:7884" as a socket address.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "broker/base/result.h"

namespace tandemq::failover {

struct SocketAddress {
  sockaddr_storage address{};
  socklen_t size = 0;
};

Result<SocketAddress> parse_socket_address(const std::string& text);
// The same text again.
std::string shown(const SocketAddress& address);

// An address without port; prefix length in `prefix` when "/24" is given, -1 otherwise.
struct HostAddress {
  int family = AF_INET;
  unsigned char bytes[16] = {};
  int prefix = -1;
  std::size_t size() const { return family == AF_INET ? 4 : 16; }
};
Result<HostAddress> parse_address(const std::string& text);
// Whether this host has it; `interface`: where, if it is one of that link alone (fe80::).
bool is_here(const HostAddress& address, const std::string& interface);

}  // namespace tandemq::failover
