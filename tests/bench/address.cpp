#include "tests/bench/address.h"

#include <netdb.h>

#include <cstring>

namespace tandemq::bench {

Result<Address> resolve(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0) {
    return Error{"cannot resolve " + host + ": " + gai_strerror(code) + "; give --host an address"};
  }
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  freeaddrinfo(found);
  return address;
}

// IPv4 and IPv6 have it in the same place.
void Address::set_port(int port) {
  reinterpret_cast<sockaddr_in&>(storage).sin_port = htons(static_cast<std::uint16_t>(port));
}

}  // namespace tandemq::bench
