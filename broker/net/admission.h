// Connections that were accepted and wait, in their order over all listeners, until the rate of new
// ones lets them in: a TLS handshake and a CONNECT cost what those who are in already would miss.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "broker/base/token_bucket.h"
#include "broker/net/transport.h"

namespace tandemq::net {

class Admission {
 public:
  // False when it was refused, which uses up nobody's turn.
  using Enter = std::function<bool(std::size_t listener, std::unique_ptr<Transport>)>;

  // `per_second` 0: nobody waits.
  Admission(std::uint32_t per_second, Enter enter)
      : per_second_(per_second), enter_(std::move(enter)) {}

  void come(std::size_t listener, std::unique_ptr<Transport> transport, std::uint64_t now_ns);
  // Lets in whose time has come; call ten times a second. Who has given up meanwhile costs nothing:
  // clients that wait for less long than the list is would else be all that is let in.
  void go_on(std::uint64_t now_ns);
  void clear() { waiting_.clear(); }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting {
    std::size_t listener;
    std::unique_ptr<Transport> transport;
  };

  const std::uint32_t per_second_;
  Enter enter_;
  TokenBucket bucket_;
  std::deque<Waiting> waiting_;
};

}  // namespace tandemq::net
