// Who may be the other end of the replication link, by certificates: TLS 1.3, mutual, both nodes'
// by authorities of this pair's choice, each naming its pair and node. Built from files; a reload
// reads them again, and connections keep what they began with.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/pki/pem.h"
#include "replicator/driver/replicator.h"

namespace tandemq::repl {

class LinkTls {
 public:
  LinkTls(LinkTlsFiles files, const std::string& pair_id, const std::string& node,
          const std::string& peer);
  LinkTls(const LinkTls&) = delete;
  LinkTls& operator=(const LinkTls&) = delete;

  bool on() const { return files_.on(); }
  // Reads the files, for the first time or again. The error names the first that is bad, and the
  // remedy; then what was read before stays. What is only out of date is no error.
  Status load();
  // Called after each load that has brought something.
  void on_reload(std::function<void()> call) { reloaded_ = std::move(call); }
  const std::vector<pki::CertificateNote>& notes() const { return notes_; }

  // For a new connection of either side; null when there is no memory.
  SSL* new_connection() const { return SSL_new(context_.get()); }
  // Whether a certificate that the handshake has believed is the peer's own.
  Status check_name(const X509* shown) const;
  // Whether the other end would be let in by the files of now, were its certificate still in time.
  Status check_trust(const SSL* connection) const;

  // In words, with the remedy: why this node refuses the peer's certificate (X509_V_ERR_...), and
  // why the peer refuses this node's (a TLS alert).
  std::string words_of_verdict(long verdict) const;
  std::string words_of_alert(int alert) const;

 private:
  using ContextPtr = std::unique_ptr<SSL_CTX, pki::Freed<SSL_CTX_free>>;
  struct Files;  // what was read
  Result<Files> read() const;
  Result<Files> read_once() const;
  Status check_own(const Files& files, X509_STORE* store) const;
  Result<ContextPtr> context_of(const Files& files) const;

  const LinkTlsFiles files_;
  const std::string own_uri_, peer_uri_;
  ContextPtr context_;
  std::vector<pki::CertificateNote> notes_;
  std::function<void()> reloaded_;
};

}  // namespace tandemq::repl
