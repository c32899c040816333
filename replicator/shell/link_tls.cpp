#include "replicator/shell/link_tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <utility>

#include "broker/base/exit_code.h"
#include "broker/pki/node_name.h"

namespace tandemq::repl {
namespace {

using StoreCtxPtr = std::unique_ptr<X509_STORE_CTX, pki::Freed<X509_STORE_CTX_free>>;
using StackPtr = std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * s) {
                                   sk_X509_free(s);  // its certificates are others'
                                 })>;

constexpr char kIssue[] = "issue it with `tandemqctl pki issue`";

// Empty: good for that purpose, but for its time.
std::string flaw(X509_STORE* store, X509* leaf, STACK_OF(X509) * chain, const char* purpose) {
  const StoreCtxPtr trial(X509_STORE_CTX_new());
  if (!trial || X509_STORE_CTX_init(trial.get(), store, leaf, chain) != 1) return "no memory";
  X509_STORE_CTX_set_default(trial.get(), purpose);
  X509_STORE_CTX_set_flags(trial.get(), X509_V_FLAG_NO_CHECK_TIME);
  const bool good = X509_verify_cert(trial.get()) == 1;
  ERR_clear_error();
  return good ? "" : X509_verify_cert_error_string(X509_STORE_CTX_get_error(trial.get()));
}

}  // namespace

struct LinkTls::Files {
  pki::PemFile certfile, keyfile, cafile;
  std::vector<pki::X509Ptr> chain;  // this node's certificate first
  pki::KeyPtr key;
  std::vector<pki::X509Ptr> authorities;
};

LinkTls::LinkTls(LinkTlsFiles files, const std::string& pair_id, const std::string& node,
                 const std::string& peer)
    : files_(std::move(files)),
      own_uri_(pki::node_uri(pair_id, node)),
      peer_uri_(pki::node_uri(pair_id, peer)) {}

Status LinkTls::load() {
  if (!on()) return Done{};
  ERR_clear_error();
  const Result<Files> files = read();
  if (!files) return files.error();
  Result<ContextPtr> context = context_of(*files);
  if (!context) return context.error();
  context_ = std::move(context).value();
  notes_ = {pki::note_of(files->certfile, "certificate", files->chain.front().get())};
  for (const pki::X509Ptr& one : files->authorities) {
    notes_.push_back(pki::note_of(files->cafile, "ca", one.get()));
  }
  if (reloaded_) reloaded_();
  return Done{};
}

// A file of key and certificate that is exchanged between its two readings is read anew.
Result<LinkTls::Files> LinkTls::read() const {
  Result<Files> files = read_once();
  const bool torn = files && files_.keyfile.empty() &&
                    X509_check_private_key(files->chain.front().get(), files->key.get()) != 1;
  if (!torn) return files;
  ERR_clear_error();
  return read_once();
}

Result<LinkTls::Files> LinkTls::read_once() const {
  Files out;
  out.certfile = {"replication.certfile", files_.certfile};
  out.keyfile =
      files_.keyfile.empty() ? out.certfile : pki::PemFile{"replication.keyfile", files_.keyfile};
  out.cafile = {"replication.cafile", files_.cafile};
  Result<std::vector<pki::X509Ptr>> chain = pki::read_certificates(out.certfile);
  if (!chain) return chain.error();
  Result<pki::KeyPtr> key = pki::read_private_key(out.keyfile);
  if (!key) return key.error();
  Result<std::vector<pki::X509Ptr>> authorities = pki::read_certificates(out.cafile);
  if (!authorities) return authorities.error();
  out.chain = std::move(chain).value();
  out.key = std::move(key).value();
  out.authorities = std::move(authorities).value();
  return out;
}

Result<LinkTls::ContextPtr> LinkTls::context_of(const Files& files) const {
  X509* const leaf = files.chain.front().get();
  if (X509_check_private_key(leaf, files.key.get()) != 1) {
    ERR_clear_error();
    return pki::bad_file(files.keyfile, "is not the key of the certificate in " +
                                            files.certfile.path + "; bring both anew, or " +
                                            kIssue);
  }
  if (!pki::names_node(leaf, own_uri_)) {
    return pki::bad_file(files.certfile, "is a certificate of " + pki::nodes_in(leaf) +
                                             ", and this node is " + own_uri_ + "; " + kIssue +
                                             ", or correct node.name or replication.pair_id");
  }
  ContextPtr context(SSL_CTX_new(TLS_method()));
  if (!context) return Error{"there is no memory for TLS", kExitEnvironment};
  SSL_CTX* const it = context.get();
  SSL_CTX_set_min_proto_version(it, TLS1_3_VERSION);
  SSL_CTX_set_verify(it, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // No session outlives its connection: who is let in shows its certificate each time.
  SSL_CTX_set_session_cache_mode(it, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(it, 0);
  X509_STORE* const store = SSL_CTX_get_cert_store(it);
  for (const pki::X509Ptr& one : files.authorities) X509_STORE_add_cert(store, one.get());
  const Status own = check_own(files, store);
  if (!own) return own.error();
  bool taken =
      SSL_CTX_use_certificate(it, leaf) == 1 && SSL_CTX_use_PrivateKey(it, files.key.get()) == 1;
  for (std::size_t i = 1; taken && i < files.chain.size(); ++i) {
    taken = SSL_CTX_add1_chain_cert(it, files.chain[i].get()) == 1;
  }
  if (taken) return context;
  return pki::bad_file(files.certfile, "is refused by OpenSSL (" + pki::openssl_reason() +
                                           "); make it with a longer key or another signature");
}

// What the peer is going to ask of it, as far as it can be known here.
Status LinkTls::check_own(const Files& files, X509_STORE* store) const {
  const StackPtr chain(sk_X509_new_null());
  for (std::size_t i = 1; i < files.chain.size(); ++i)
    sk_X509_push(chain.get(), files.chain[i].get());
  for (const char* purpose : {"ssl_server", "ssl_client"}) {
    const std::string what = flaw(store, files.chain.front().get(), chain.get(), purpose);
    if (what.empty()) continue;
    return pki::bad_file(files.certfile,
                         "does not hold before replication.cafile " + files.cafile.path + " as " +
                             purpose + " (" + what +
                             "); both nodes' certificates must be signed by an authority in it, "
                             "and be good for servers and clients");
  }
  return Done{};
}

Status LinkTls::check_name(const X509* shown) const {
  if (pki::names_node(shown, peer_uri_)) return Done{};
  return Error{own_uri_ + " expects " + peer_uri_ +
               " on its replication link, and was shown a certificate of " + pki::nodes_in(shown) +
               ": " + kIssue + ", or correct names and addresses below [replication]"};
}

Status LinkTls::check_trust(const SSL* connection) const {
  X509* const shown = SSL_get0_peer_certificate(connection);
  const std::string what =
      flaw(SSL_CTX_get_cert_store(context_.get()), shown, SSL_get_peer_cert_chain(connection),
           SSL_is_server(connection) ? "ssl_client" : "ssl_server");
  if (what.empty()) return check_name(shown);
  return Error{"by the files that were read again the peer's certificate is refused: " + what};
}

std::string LinkTls::words_of_verdict(long verdict) const {
  const std::string what = X509_verify_cert_error_string(verdict);
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the peer's certificate, or its authority's, is out of date: renew it (`tandemqctl "
             "pki "
             "issue`), then `tandemqctl reload` there; or set this host's clock";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the peer's certificate is not valid yet: set the clocks of both hosts";
    case X509_V_ERR_INVALID_PURPOSE:
      return "the peer's certificate is not good for servers and clients, as both ends must show "
             "one: "
             "issue it with `tandemqctl pki issue`, or with both extended key usages";
    default:
      return "the peer's certificate is not signed by an authority in replication.cafile " +
             files_.cafile + " (" + what + "): both nodes must name certificates of one authority";
  }
}

std::string LinkTls::words_of_alert(int alert) const {
  const std::string own = "the certificate of this node, replication.certfile " + files_.certfile;
  switch (alert) {
    case SSL_AD_CERTIFICATE_EXPIRED:
      return "the peer finds " + own +
             ", out of date: renew it (`tandemqctl pki issue`), then `tandemqctl reload`; or set "
             "the peer's clock";
    case SSL_AD_UNKNOWN_CA:
      return "the peer does not know who signed " + own +
             ": its replication.cafile must hold that authority";
    default:
      return "the peer refuses " + own + " (" + SSL_alert_desc_string_long(alert) +
             "): its log says why";
  }
}

}  // namespace tandemq::repl
