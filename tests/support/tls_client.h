// The other end of a TlsTransport in memory: OpenSSL's client over a MemoryWire. Nothing happens by
// itself; exchange() carries bytes both ways.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "broker/pki/pem.h"
#include "tests/support/memory_transport.h"
#include "tests/support/pki.h"

namespace tandemq::test {

class TlsClient {
 public:
  struct Way {
    std::string cafile;
    std::string server_name;
    Pki::Issued own;  // a certificate to show; empty: none
    int version_max = TLS1_3_VERSION;
    std::string signatures;          // as OpenSSL lists them; empty: all
    std::string protocol;            // ALPN
    SSL_SESSION* session = nullptr;  // to go on with
  };
  using Session = std::unique_ptr<SSL_SESSION, pki::Freed<SSL_SESSION_free>>;

  TlsClient(std::shared_ptr<MemoryWire> wire, const Way& way);

  // Reads and writes as much as there is; at most `piece` bytes towards the broker.
  void exchange(std::size_t piece = ~std::size_t{0});
  void say(std::string_view text) { to_say_ += text; }
  const std::string& heard() const { return heard_; }
  bool shaken() const { return SSL_is_init_finished(ssl_.get()) == 1; }
  bool reused() const { return SSL_session_reused(ssl_.get()) == 1; }
  bool closed() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
  bool failed() const { return failed_; }
  // Good once something was heard; the last that it is asked for.
  Session session() const {
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // in good order
    return Session(SSL_get1_session(ssl_.get()));
  }
  std::string server() const;  // the common name that it showed
  int server_key() const;      // EVP_PKEY_RSA, EVP_PKEY_EC
  std::string protocol() const;
  void close() { SSL_shutdown(ssl_.get()); }
  void update_keys() { SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED); }

 private:
  std::shared_ptr<MemoryWire> wire_;
  std::unique_ptr<SSL_CTX, pki::Freed<SSL_CTX_free>> context_;
  std::unique_ptr<SSL, pki::Freed<SSL_free>> ssl_;
  BIO* in_;
  BIO* out_;
  std::string to_say_, heard_;
  bool failed_ = false;
};

}  // namespace tandemq::test
