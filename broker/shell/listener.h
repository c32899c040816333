// The listening socket for clients. It is bound from the start, so that a port that is taken is
// found at once, but listens only while the node leads: until then connections are refused.
#pragma once

#include <event2/event_struct.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/base/result.h"

struct event_base;

namespace tandemq::broker {

class Listener {
 public:
  // Gets accepted sockets (non-blocking, close-on-exec, no delay); owns them.
  using Accept = std::function<void(int fd)>;

  // Binds. An error (code 3) names address, port and remedy.
  static Result<std::unique_ptr<Listener>> bind(event_base* base, const std::string& address,
                                                std::uint16_t port, Accept accept);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  Status open();
  // Refuses from now on, and resets what was not accepted yet.
  void close();
  bool listening() const { return listening_; }

  // Takes up accepting again after it ran out of file descriptors; call about once a second.
  void retry();

 private:
  Listener(event_base* base, std::string address, std::uint16_t port, Accept accept)
      : base_(base), address_(std::move(address)), port_(port), accept_(std::move(accept)) {}
  Status bind_socket();
  static void on_readable(int fd, short what, void* self);

  event_base* base_;
  std::string address_;
  std::uint16_t port_;
  Accept accept_;
  int fd_ = -1;
  bool listening_ = false;
  bool starved_ = false;
  struct event event_ {};
};

}  // namespace tandemq::broker
