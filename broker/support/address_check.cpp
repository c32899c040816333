#include "broker/support/address_check.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "broker/support/log.h"

namespace tandemq {

void tell_missing_address(const std::string& address, const char* key) {
  const bool brackets = address.size() > 2 && address.front() == '[' && address.back() == ']';
  const std::string host = brackets ? address.substr(1, address.size() - 2) : address;
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return;
  const int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool missing =
      fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) != 0 && errno == EADDRNOTAVAIL;
  if (fd >= 0) close(fd);
  freeaddrinfo(found);
  if (!missing) return;
  log(LogLevel::warning, "address_missing",
      {{"address", address},
       {"reason", "this host does not have it now; nobody reaches us there until it has"},
       {"remedy", std::string("correct ") + key + " unless the address comes later"}});
}

}  // namespace tandemq
