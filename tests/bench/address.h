// Where the broker is: host:port, resolved once at the start, and how it is spoken to.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <string>

#include "broker/base/result.h"
#include "tests/bench/tls.h"

namespace tandemq::bench {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  std::shared_ptr<Tls> tls;  // null: plain TCP
  bool websocket = false;

  void set_port(int port);
};

Result<Address> resolve(const std::string& host, int port);

}  // namespace tandemq::bench
