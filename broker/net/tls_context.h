// All that a TLS listener's handshakes go by, built from its files once and never changed: a reload
// builds another, and connections keep the one they began with.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/net/tls_settings.h"
#include "broker/net/tls_tickets.h"
#include "broker/pki/pem.h"

namespace tandemq::net {

class TlsContext {
 public:
  // Reads the files. The error names the first that is bad, and the remedy; what is only out of
  // date is no error. `tickets` outlives all connections.
  static Result<std::shared_ptr<const TlsContext>> build(const TlsSettings& settings,
                                                         TicketKeys& tickets);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // For a new connection of the server's side; null when there is no memory.
  SSL* new_connection() const { return SSL_new(names_.front().context.get()); }
  // Whether the other end, which has shown what it has, would be let in by this. Of a resumed
  // session only its own certificate is known: a chain that needs more is not believed.
  bool trusts(const SSL* connection) const;
  CertificateName certificate_username() const { return certificate_username_; }
  const std::vector<pki::CertificateNote>& notes() const { return notes_; }

 private:
  using ContextPtr = std::unique_ptr<SSL_CTX, pki::Freed<SSL_CTX_free>>;
  // Certificates that are shown under the same names, one of each kind of key.
  struct Names {
    ContextPtr context;
    std::vector<pki::X509Ptr> leaves;
    bool has(int key_type) const;
    bool is_for(const char* host) const;
  };
  struct Judges;  // of clients' certificates

  TlsContext() = default;
  Status add_certificate(const pki::PemFile& certfile, const pki::PemFile& keyfile,
                         const TlsSettings& settings);
  Result<Names*> place_of(X509* leaf, const EVP_PKEY* key, const TlsSettings& settings);
  Result<Judges> read_judges(const TlsSettings& settings);
  void judge_by(const Judges& judges, const TlsSettings& settings, SSL_CTX* context) const;
  static int on_server_name(SSL* ssl, int* alert, void* self);

  std::vector<Names> names_;  // the first: for clients that name no server, or one unknown here
  std::vector<pki::CertificateNote> notes_;
  CertificateName certificate_username_ = CertificateName::none;
  bool asks_ = false;      // for clients' certificates
  bool requires_ = false;  // them
};

}  // namespace tandemq::net
