// What stands between the sockets of a listener and its channels, listener by listener: a proxy's
// header, TLS, WebSocket, one over the other, or nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/net/handshakes.h"
#include "broker/net/proxy_settings.h"
#include "broker/net/proxy_transport.h"
#include "broker/net/tls_context.h"
#include "broker/net/tls_settings.h"
#include "broker/net/tls_tickets.h"
#include "broker/net/tls_transport.h"
#include "broker/net/websocket_transport.h"

namespace tandemq::net {

// A file of a listener, and how long it is good.
struct ListenerNote {
  std::string listener;
  pki::CertificateNote note;
};

class Fronts {
 public:
  struct Listener {
    std::string name;
    TlsSettings tls;
    WebSocketSettings web = {};
    ProxySettings proxy = {};
  };
  struct Around {
    event_base* base;  // null: only to check the files
    std::function<void()> begin_turn;
    std::function<std::uint64_t()> pair_ms;
    std::string ticket_secret_file;
  };

  // The order is that of the listeners.
  Fronts(Around around, std::vector<Listener> listeners);
  Fronts(const Fronts&) = delete;
  Fronts& operator=(const Fronts&) = delete;

  // Reads all files, for the first time or again. On an error the listener that it is about keeps
  // what it had, and the others go by what was read.
  Status load();

  // Null: refused, and told.
  std::unique_ptr<Transport> put_before(std::size_t listener, std::unique_ptr<Transport> transport);

  // A turn's share of handshakes, for who has no loop.
  void shake_hands() { handshakes_.run(); }

  std::vector<ListenerNote> notes() const;
  const Handshakes::Counters& handshakes() const { return handshakes_.counters; }

 private:
  struct Front {
    explicit Front(Listener from);
    Listener listener;
    std::shared_ptr<const TlsContext> context;  // null: no TLS
    TlsTransport::Failed failed;
    WebSocketTransport::Failed web_failed;
    ProxyTransport::Failed proxy_failed;
  };

  Around around_;
  Handshakes handshakes_;
  std::unique_ptr<TicketKeys> tickets_;  // before whose contexts end
  std::vector<std::unique_ptr<Front>> fronts_;
};

}  // namespace tandemq::net
