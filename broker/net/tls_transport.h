// TLS over any other transport: OpenSSL reads and writes it through a BIO, so that no byte is
// copied between, and what the one below says (later, ended) is what OpenSSL hears.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>

#include "broker/net/handshakes.h"
#include "broker/net/tls_context.h"
#include "broker/net/transport.h"

namespace tandemq::net {

class TlsTransport final : public Transport, private TransportUser, private Handshaker {
 public:
  // Hears once why a connection failed: the other end's address, and the reason in words.
  using Failed = std::function<void(const std::string& address, const std::string& reason)>;

  // `below` is connected. `context` is its listener's at any time; the connection keeps the one
  // that it begins with. It, `handshakes` and `failed` outlive it. Null: out of memory.
  static std::unique_ptr<TlsTransport> serve(std::unique_ptr<Transport> below,
                                             const std::shared_ptr<const TlsContext>& context,
                                             Handshakes& handshakes, const Failed& failed);
  ~TlsTransport() override;
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  IoResult read(char* to, std::size_t size_max) override;
  IoResult write(std::string_view bytes) override;
  void shut() override;
  void want(Ready what) override;
  bool pending() const override { return pending_; }
  std::string peer_address() const override { return below_->peer_address(); }
  std::string peer_certificate() const override { return user_name_; }
  bool peer_trusted() const override {
    return context_ == of_now_ || phase_ != Phase::open || of_now_->trusts(ssl_.get());
  }

 private:
  enum class Phase : std::uint8_t { shaking, open, over };

  TlsTransport(std::unique_ptr<Transport> below, const std::shared_ptr<const TlsContext>& context,
               Handshakes& handshakes, const Failed& failed);
  void transport_ready(Ready what) override;
  void handshake() override;
  void open();
  void tell_readable();
  IoResult outcome(int returned);
  void fail(const std::string& reason);
  std::string reason_of_failure() const;
  void rearm();

  static const BIO_METHOD* bio_method();
  static int bio_read(BIO* bio, char* to, std::size_t size_max, std::size_t* size);
  static int bio_write(BIO* bio, const char* from, std::size_t size_max, std::size_t* size);
  static long bio_control(BIO* bio, int what, long, void*);

  std::unique_ptr<Transport> below_;
  const std::shared_ptr<const TlsContext> context_;
  const std::shared_ptr<const TlsContext>& of_now_;
  Handshakes& handshakes_;
  const Failed& failed_;
  std::unique_ptr<SSL, pki::Freed<SSL_free>> ssl_;
  std::string user_name_;  // of the other end's certificate
  Ready wanted_;
  Phase phase_ = Phase::shaking;
  bool queued_ = false;      // among the handshakes
  bool begun_ = false;       // the first step of its own has been made
  bool needs_room_ = false;  // OpenSSL must write before it can read
  bool pending_ = false;
  bool below_ended_ = false;
};

}  // namespace tandemq::net
