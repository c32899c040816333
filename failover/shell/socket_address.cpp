#include "failover/shell/socket_address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <charconv>
#include <cstring>

#include "broker/support/endpoint.h"
#include "failover/shell/loop.h"

namespace tandemq::failover {
namespace {

bool number(std::string_view text, int least, int most, int& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= least &&
         value <= most;
}

}  // namespace

Result<HostAddress> parse_address(const std::string& text) {
  HostAddress host;
  const std::size_t slash = text.find('/');
  const std::string name = text.substr(0, slash);
  host.family = name.find(':') == name.npos ? AF_INET : AF_INET6;
  if (inet_pton(host.family, name.c_str(), host.bytes) != 1) {
    return Error{"'" + text + "' is not an IPv4 or IPv6 address"};
  }
  const int most = host.family == AF_INET ? 32 : 128;
  if (slash != text.npos && !number(text.substr(slash + 1), 1, most, host.prefix)) {
    return Error{"'" + text + "' has no prefix length from 1 to " + std::to_string(most)};
  }
  return host;
}

namespace {

SocketAddress with_port(const HostAddress& host, std::uint16_t port) {
  SocketAddress e;
  if (host.family == AF_INET) {
    auto& in = reinterpret_cast<sockaddr_in&>(e.address);
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, host.bytes, 4);
    e.size = sizeof(sockaddr_in);
  } else {
    auto& in = reinterpret_cast<sockaddr_in6&>(e.address);
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    std::memcpy(&in.sin6_addr, host.bytes, 16);
    e.size = sizeof(sockaddr_in6);
  }
  return e;
}

}  // namespace

bool is_here(const HostAddress& address, const std::string& interface) {
  SocketAddress any_port = with_port(address, 0);
  auto& in6 = reinterpret_cast<sockaddr_in6&>(any_port.address);
  if (address.family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr)) {
    in6.sin6_scope_id = if_nametoindex(interface.c_str());
  }
  const Fd fd(socket(address.family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return fd &&
         bind(fd.get(), reinterpret_cast<const sockaddr*>(&any_port.address), any_port.size) == 0;
}

Result<SocketAddress> parse_socket_address(const std::string& text) {
  const Result<Endpoint> endpoint = parse_endpoint(text);
  if (!endpoint) return Error{endpoint.error().message};
  const Result<HostAddress> host = parse_address(endpoint->host);
  if (!host) return host.error();
  if (host->prefix != -1) return Error{"'" + text + "' has a prefix length, which a port excludes"};
  return with_port(*host, endpoint->port);
}

std::string shown(const SocketAddress& address) {
  return tandemq::shown(reinterpret_cast<const sockaddr&>(address.address), address.size);
}

}  // namespace tandemq::failover
