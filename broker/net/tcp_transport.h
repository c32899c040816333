// A TCP or Unix socket on the loop.
#pragma once

#include <event2/event_struct.h>

#include "broker/net/transport.h"

struct event_base;

namespace tandemq::net {

class TcpTransport final : public Transport {
 public:
  // Owns the socket, which is connected and does not block. The loop outlives it.
  TcpTransport(event_base* base, int fd);
  ~TcpTransport() override;
  TcpTransport(const TcpTransport&) = delete;
  TcpTransport& operator=(const TcpTransport&) = delete;

  IoResult read(char* to, std::size_t size_max) override;
  IoResult write(std::string_view bytes) override;
  void shut() override;
  void want(Ready what) override;
  bool gone() const override;
  std::string peer_address() const override;

 private:
  static void on_event(int fd, short what, void* self);

  event_base* base_;
  struct event event_ {};
  Ready wanted_;
};

}  // namespace tandemq::net
