// A connection that a proxy passes on: its first bytes are the proxy's and say where the client is.
// TLS and WebSocket stand over it as over a socket.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "broker/net/transport.h"

namespace tandemq::net {

class ProxyTransport final : public Transport, private TransportUser {
 public:
  // As TlsTransport::Failed; the address is the proxy's.
  using Failed = std::function<void(const std::string& address, const std::string& reason)>;

  // `below` is connected, by a proxy that is trusted; `failed` outlives it.
  ProxyTransport(std::unique_ptr<Transport> below, const Failed& failed);
  ProxyTransport(const ProxyTransport&) = delete;
  ProxyTransport& operator=(const ProxyTransport&) = delete;

  IoResult read(char* to, std::size_t size_max) override;
  IoResult write(std::string_view bytes) override;
  void shut() override { below_->shut(); }
  void want(Ready what) override;
  bool pending() const override;
  std::string peer_address() const override {
    return address_.empty() ? below_->peer_address() : address_;
  }

 private:
  enum class Phase : std::uint8_t { introducing, open, over };

  void transport_ready(Ready what) override;
  void take_header();
  void fail(const char* reason);
  void rearm();

  std::unique_ptr<Transport> below_;
  const Failed& failed_;
  Ready wanted_;
  Phase phase_ = Phase::introducing;
  bool end_told_ = false;
  std::string in_;       // the header; then what came behind it
  std::string address_;  // the client's
};

}  // namespace tandemq::net
