// A TlsTransport in memory with a client at its other end.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>

#include "broker/net/tls_transport.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_client.h"

namespace tandemq::test {

// Files that all cases share: an authority, servers and clients.
struct TlsFiles {
  TempDir folder;
  Pki pki{folder.path(), "authority"};
  Pki stranger{folder.path(), "stranger"};
  Pki::Issued server = pki.issue("server", {"server", "DNS:broker.example,DNS:*.plant.example"});
  Pki::Issued server_rsa =
      pki.issue("server_rsa", {"server", "DNS:broker.example,DNS:*.plant.example", true});
  Pki::Issued other = pki.issue("other", {"other", "DNS:other.example"});
  Pki::Issued alice = pki.issue("alice", {"alice", "email:alice@plant.example"});
  Pki::Issued bob = pki.issue("bob", {"bob", ""});
  Pki::Issued eve = stranger.issue("eve", {"eve", ""});

  static const TlsFiles& get() {
    static const TlsFiles files;
    return files;
  }
  net::TlsSettings settings() const {
    net::TlsSettings out;
    out.certfile = {server.certfile};
    out.keyfile = {server.keyfile};
    return out;
  }
  // Who shows no certificate of ours stays out; the name in it is the user.
  net::TlsSettings settings_for_users() const {
    net::TlsSettings out = settings();
    out.cafile = pki.cafile();
    out.require_certificate = true;
    out.certificate_username = net::CertificateName::common_name;
    return out;
  }
};

// One node: what it has read, and the keys of its tickets.
struct TlsNode {
  explicit TlsNode(const net::TlsSettings& settings, std::string secret = "the pair's own secret")
      : tickets(std::move(secret), [this] { return pair_ms; }) {
    auto built = net::TlsContext::build(settings, tickets);
    if (!built) FAIL(built.error().message);
    context = std::move(built).value();
  }
  std::uint64_t pair_ms = 50 * net::TicketKeys::kRotationMs;
  net::TicketKeys tickets;
  std::shared_ptr<const net::TlsContext> context;
};

struct TlsRig final : net::TransportUser {
  TlsRig(const TlsNode& node, const TlsClient::Way& way) : client(wire, way) {
    server = net::TlsTransport::serve(net.connect(wire), node.context, handshakes, failed);
    server->attach(*this);
    server->want({true, false, false});
  }
  void transport_ready(net::Ready what) override {
    ++told;
    if (what.read) read_all();
  }
  void read_all() {
    char buffer[4'096];
    do {
      const net::IoResult got = server->read(buffer, read_size);
      if (got.io == net::Io::done) heard.append(buffer, got.size);
      if (got.io == net::Io::ended) ended = true;
    } while (server->pending());
  }
  // Until nothing moves any more.
  void exchange(std::size_t piece = ~std::size_t{0}) {
    for (int quiet = 0; quiet < 3 && !ended;) {
      client.exchange(piece);
      const bool moved = net.deliver() || !handshakes.empty() || !wire->from_broker.empty();
      handshakes.run();
      quiet = moved ? 0 : quiet + 1;
    }
  }

  std::shared_ptr<MemoryWire> wire = std::make_shared<MemoryWire>();
  MemoryNet net;
  net::Handshakes handshakes{nullptr, {}};
  std::string failure;
  net::TlsTransport::Failed failed = [this](const std::string& address, const std::string& why) {
    CHECK(address == "memory:1");
    CHECK(failure.empty());  // told once
    failure = why;
  };
  TlsClient client;
  std::unique_ptr<net::TlsTransport> server;
  std::string heard;
  std::size_t read_size = 4'096;
  int told = 0;
  bool ended = false;
};

// Of one connection: whom the broker heard, or why it failed.
inline std::string outcome(const net::TlsSettings& settings, const TlsClient::Way& way) {
  TlsNode node(settings);
  TlsRig rig(node, way);
  rig.exchange();
  return rig.failure.empty() ? "user " + rig.server->peer_certificate() : rig.failure;
}

struct Met {
  bool reused;
  TlsClient::Session session;
};

inline Met meet(const TlsNode& node, TlsClient::Way way, SSL_SESSION* session = nullptr) {
  way.session = session;
  TlsRig rig(node, way);
  rig.exchange();
  rig.server->write("x");
  rig.exchange();
  REQUIRE(rig.client.heard() == "x");
  CHECK(rig.handshakes.counters.resumed == rig.client.reused());
  return {rig.client.reused(), rig.client.session()};
}

}  // namespace tandemq::test
