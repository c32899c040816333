#include "broker/shell/client_names.h"

#include <netdb.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>

#include "broker/base/check.h"

namespace tandemq::broker {

std::string peer_name(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host, sizeof(host), port,
                  sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return {};
  }
  return std::string(host) + ":" + port;
}

std::string random_client_id() {
  std::array<unsigned char, 16> random;
  TMQ_CHECK(getrandom(random.data(), random.size(), 0) == static_cast<ssize_t>(random.size()));
  std::string id = "auto-";
  for (const unsigned byte : random) {
    id += "0123456789abcdef"[byte >> 4];
    id += "0123456789abcdef"[byte & 15];
  }
  return id;
}

}  // namespace tandemq::broker
