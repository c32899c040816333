// Asks the gateway for an ICMP echo, so that a node that is cut off knows it. Unprivileged ping
// sockets where the kernel allows them, raw ones otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "broker/base/result.h"
#include "failover/shell/loop.h"
#include "failover/shell/socket_address.h"

namespace tandemq::failover {

class Gateway {
 public:
  // `changed(answers)`: three echoes in a row were lost, or one came back.
  static Result<std::unique_ptr<Gateway>> open(event_base* base, const std::string& address,
                                               std::uint64_t interval_ms,
                                               std::function<void(bool)> changed);

 private:
  Gateway(event_base* base, std::function<void(bool)> changed)
      : changed_(std::move(changed)), timer_(base, [this] { probe(); }) {}
  void probe();
  void read();

  std::function<void(bool)> changed_;
  Timer timer_;
  SocketAddress peer_;
  bool raw_ = false;
  Fd fd_;
  std::unique_ptr<Readable> readable_;
  unsigned short sequence_ = 0;
  int unanswered_ = 0;
  bool answers_ = true;
};

}  // namespace tandemq::failover
