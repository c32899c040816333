// One listening socket. It is bound from the start, so that a port that is taken is found at once,
// but listens only between open() and close(): until then connections are refused.
#pragma once

#include <event2/event_struct.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/base/result.h"
#include "broker/net/transport.h"

struct event_base;

namespace tandemq::net {

struct ListenAddress {
  std::string section;  // of the configuration, named in remedies: "listener"
  std::string host;
  std::uint16_t port = 0;
};

class Listener {
 public:
  using Accept = std::function<void(std::unique_ptr<Transport>)>;

  // Binds. An error (code 3) names address, port and remedy. The loop outlives it.
  static Result<std::unique_ptr<Listener>> bind(event_base* base, ListenAddress address,
                                                Accept accept);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  Status open();
  // Refuses from now on, and resets what was not accepted yet.
  void close();
  bool listening() const { return listening_; }
  const ListenAddress& address() const { return address_; }

  // Takes up accepting again after it ran out of file descriptors; call about once a second.
  void retry();

 private:
  Listener(event_base* base, ListenAddress address, Accept accept)
      : base_(base), address_(std::move(address)), accept_(std::move(accept)) {}
  Status bind_socket();
  Error failure(const std::string& why, const std::string& remedy) const;
  std::string remedy(int error) const;
  static void on_readable(int fd, short what, void* self);

  event_base* base_;
  const ListenAddress address_;
  Accept accept_;
  int fd_ = -1;
  bool listening_ = false;
  bool starved_ = false;
  struct event event_ {};
};

}  // namespace tandemq::net
