// host:port, resolved once at the start.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "broker/base/result.h"

namespace tandemq::bench {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<Address> resolve(const std::string& host, int port);

}  // namespace tandemq::bench
