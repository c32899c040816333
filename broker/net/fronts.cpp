#include "broker/net/fronts.h"

#include <algorithm>
#include <utility>

#include "broker/support/log.h"

namespace tandemq::net {

Fronts::Front::Front(Listener from) : listener(std::move(from)) {
  const auto teller = [name = listener.name](const char* event) {
    return [name, event](const std::string& address, const std::string& reason) {
      log(LogLevel::notice, event, {{"address", address}, {"listener", name}, {"reason", reason}});
    };
  };
  failed = teller("tls_refused");
  web_failed = teller("websocket_refused");
  proxy_failed = teller("proxy_refused");
}

Fronts::Fronts(Around around, std::vector<Listener> listeners)
    : around_(std::move(around)), handshakes_(around_.base, around_.begin_turn) {
  for (Listener& one : listeners) fronts_.push_back(std::make_unique<Front>(std::move(one)));
}

// The secret is read once: tickets under another would be worth nothing from one moment to the
// next.
Status Fronts::load() {
  const auto speaks_tls = [](const auto& front) { return front->listener.tls.on(); };
  if (!tickets_ && std::any_of(fronts_.begin(), fronts_.end(), speaks_tls)) {
    Result<std::string> secret = TicketKeys::secret_from(around_.ticket_secret_file);
    if (!secret) return secret.error();
    tickets_ = std::make_unique<TicketKeys>(std::move(secret).value(), around_.pair_ms);
  }
  Status first = Done{};
  for (const auto& front : fronts_) {
    if (!front->listener.tls.on()) continue;
    Result<std::shared_ptr<const TlsContext>> built =
        TlsContext::build(front->listener.tls, *tickets_);
    if (built) {
      front->context = std::move(built).value();
    } else if (first) {
      first = Error{"listener " + front->listener.name + ": " + built.error().message,
                    built.error().code};
    }
  }
  return first;
}

std::unique_ptr<Transport> Fronts::put_before(std::size_t listener,
                                              std::unique_ptr<Transport> transport) {
  const Front& front = *fronts_[listener];
  if (front.listener.proxy.on()) {
    const std::string from = transport->peer_address();
    if (!front.listener.proxy.trusts(from)) {
      front.proxy_failed(from, "it is not in proxy_protocol_from");
      return nullptr;
    }
    transport = std::make_unique<ProxyTransport>(std::move(transport), front.proxy_failed);
  }
  if (front.context) {
    const std::string address = transport->peer_address();
    transport = TlsTransport::serve(std::move(transport), front.context, handshakes_, front.failed);
    if (!transport) front.failed(address, "there is no memory for one more connection");
  }
  if (!transport || !front.listener.web.on) return transport;
  return std::make_unique<WebSocketTransport>(std::move(transport), front.listener.web,
                                              front.web_failed);
}

std::vector<ListenerNote> Fronts::notes() const {
  std::vector<ListenerNote> out;
  for (const auto& front : fronts_) {
    if (!front->context) continue;
    for (const pki::CertificateNote& note : front->context->notes()) {
      out.push_back({front->listener.name, note});
    }
  }
  return out;
}

}  // namespace tandemq::net
