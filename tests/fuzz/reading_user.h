// Reads all that a transport gives, as soon as it is told.
#pragma once

#include <string>

#include "broker/net/transport.h"

namespace tandemq::test {

struct ReadingUser final : net::TransportUser {
  explicit ReadingUser(net::Transport& from) : transport(from) {
    transport.attach(*this);
    transport.want({true, false, false});
  }
  void transport_ready(net::Ready what) override {
    if (!what.read) return;
    char buffer[64];
    do {
      const net::IoResult got = transport.read(buffer, sizeof buffer);
      heard.append(buffer, got.size);
      ended = got.io == net::Io::ended;
    } while (!ended && transport.pending());
  }

  net::Transport& transport;
  std::string heard;
  bool ended = false;
};

}  // namespace tandemq::test
