// The addresses to listen on for a host's name, looked up on a thread of its own: a resolver may be
// slow, or gone.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tandemq::net {

class NameLookup {
 public:
  struct Found {
    int error = 0;  // of getaddrinfo
    std::vector<sockaddr_storage> addresses;
  };

  // Addresses of a family that this host has no protocol for are left out, unless there is nothing
  // else.
  NameLookup(const std::string& host, std::uint16_t port);
  // Null when it is not over by then. What is under way at the end is left to its thread.
  const Found* wait(std::chrono::milliseconds at_most) const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace tandemq::net
