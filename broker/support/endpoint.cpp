#include "broker/support/endpoint.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <charconv>
#include <cstddef>

namespace tandemq {
namespace {

// The bytes of a numeric address: 4, 16, or none for a name.
std::string address_bytes(const std::string& host) {
  unsigned char bytes[16];
  for (const auto& [family, size] : {std::pair{AF_INET, std::size_t{4}}, {AF_INET6, 16}}) {
    if (inet_pton(family, host.c_str(), bytes) == 1) {
      return {reinterpret_cast<const char*>(bytes), size};
    }
  }
  return {};
}

bool is_all_zero(const std::string& bytes) {
  return bytes.find_first_not_of('\0') == bytes.npos;
}

// A socket on `all` takes the port of `other` as well; "::" takes it of IPv4 too.
bool covers(const std::string& all, const std::string& other) {
  if (all.empty() || !is_all_zero(all)) return false;
  return all.size() == 16 || other.size() != 16;
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
  const Error wrong{"is \"" + std::string(text) +
                    "\" but must be \"ADDRESS:PORT\", for example \"10.98.0.11:7883\""};
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return wrong;
  std::string_view host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']' && host.size() > 2) {
    host = host.substr(1, host.size() - 2);
  }
  const std::string_view digits = text.substr(colon + 1);
  Endpoint endpoint{std::string(host), 0};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
  if (error != std::errc{} || end != digits.data() + digits.size() || endpoint.port == 0) {
    return wrong;
  }
  return endpoint;
}

std::string shown(const Endpoint& endpoint) {
  const bool bare = endpoint.host.find(':') != endpoint.host.npos && endpoint.host.front() != '[';
  return (bare ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

std::string shown(const sockaddr& address, socklen_t size) {
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  const int failed = ::getnameinfo(&address, size, host, sizeof(host), port, sizeof(port),
                                   NI_NUMERICHOST | NI_NUMERICSERV);
  if (failed != 0 || address.sa_family == AF_UNIX) return {};
  return shown(Endpoint{host, static_cast<std::uint16_t>(std::stoul(port))});
}

bool is_loopback(const std::string& host) {
  if (host == "localhost") return true;
  const std::string bytes = address_bytes(host);
  if (bytes.size() == 4) return bytes[0] == 127;
  return bytes.size() == 16 && is_all_zero(bytes.substr(0, 15)) && bytes[15] == 1;
}

bool overlap(const Endpoint& a, const Endpoint& b) {
  if (a.port != b.port) return false;
  if (a.host == b.host) return true;
  const std::string x = address_bytes(a.host);
  const std::string y = address_bytes(b.host);
  return covers(x, y) || covers(y, x) || (!x.empty() && x == y);
}

}  // namespace tandemq
