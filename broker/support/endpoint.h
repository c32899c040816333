// Addresses as configuration files write them: "10.98.0.11:7883" or "[fd00::11]:7883".
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace tandemq {

struct Endpoint {
  std::string host;  // without brackets
  std::uint16_t port = 0;
};

// The error says what is wrong with the text, for ConfigReader::complain.
Result<Endpoint> parse_endpoint(std::string_view text);

// As people write it: IPv6 in brackets.
std::string shown(const Endpoint& endpoint);
// The same of a socket's; empty where it is neither IPv4 nor IPv6.
std::string shown(const sockaddr& address, socklen_t size);

// Reached from this host alone: 127.0.0.0/8, ::1 and the name localhost.
bool is_loopback(const std::string& host);

// Whether only one program could listen on both: equal ports, and equal addresses or one of them
// stands for all.
bool overlap(const Endpoint& a, const Endpoint& b);

}  // namespace tandemq
