#include "broker/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "broker/base/exit_code.h"
#include "broker/net/tls_ticket_note.h"

namespace tandemq::net {
namespace {

constexpr std::string_view kMqtt = "\4mqtt";
constexpr std::size_t kAuthorityNamesMax = 16 << 10;  // bytes; TLS 1.2 has room for 64 KiB
constexpr std::string_view kHttp = "\10http/1.1";

// Who offers ALPN without it speaks something else (RFC 7301); who offers none is welcome.
int on_protocols(SSL*, const unsigned char** chosen, unsigned char* size,
                 const unsigned char* offered, unsigned int offered_size, void* arg) {
  const auto& ours = *static_cast<const std::string_view*>(arg);
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

// A revocation list that is out of date still revokes whom it names. Refusing everybody would be an
// outage at the hour somebody forgot; it is told in log, status and metrics instead. Who signs
// clients' certificates must have a list; those above it may have one.
int on_verify(int good, X509_STORE_CTX* store) {
  const int error = X509_STORE_CTX_get_error(store);
  const bool above = error == X509_V_ERR_UNABLE_TO_GET_CRL && X509_STORE_CTX_get_error_depth(store);
  if (good || (error != X509_V_ERR_CRL_HAS_EXPIRED && !above)) return good;
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

const ASN1_OCTET_STRING* extension(const X509_CRL* list, int nid) {
  const int at = X509_CRL_get_ext_by_NID(list, nid, -1);
  return at < 0 ? nullptr : X509_EXTENSION_get_data(X509_CRL_get_ext(list, at));
}

// Lists for a part of the certificates, or of what has changed, stand beside each other.
bool is_whole(const X509_CRL* list) {
  return !extension(list, NID_issuing_distribution_point) && !extension(list, NID_delta_crl);
}

bool same_signer(const X509_CRL* one, const X509_CRL* other) {
  if (X509_NAME_cmp(X509_CRL_get_issuer(one), X509_CRL_get_issuer(other)) != 0) return false;
  const ASN1_OCTET_STRING* const key = extension(one, NID_authority_key_identifier);
  const ASN1_OCTET_STRING* const its = extension(other, NID_authority_key_identifier);
  return key && its ? ASN1_OCTET_STRING_cmp(key, its) == 0 : key == its;
}

// OpenSSL prefers a list that is in time to a newer one that is not, though that names more.
void add_newest(X509_STORE* store, const std::vector<pki::CrlPtr>& lists) {
  for (const pki::CrlPtr& one : lists) {
    const auto replaces = [&one](const pki::CrlPtr& by) {
      return is_whole(one.get()) && is_whole(by.get()) && same_signer(one.get(), by.get()) &&
             ASN1_TIME_compare(X509_CRL_get0_lastUpdate(by.get()),
                               X509_CRL_get0_lastUpdate(one.get())) > 0;
    };
    if (std::none_of(lists.begin(), lists.end(), replaces)) X509_STORE_add_crl(store, one.get());
  }
}

// Clients choose by them which certificate to show. A list longer than TLS can carry would fail
// every handshake; of none, clients show what they have.
void name_authorities(const std::vector<pki::X509Ptr>& authorities, SSL_CTX* context) {
  std::size_t bytes = 0;
  for (const pki::X509Ptr& one : authorities) {
    bytes += 2 + static_cast<std::size_t>(i2d_X509_NAME(X509_get_subject_name(one.get()), nullptr));
  }
  if (bytes > kAuthorityNamesMax) return;
  for (const pki::X509Ptr& one : authorities) SSL_CTX_add_client_CA(context, one.get());
}

Error bad_setting(const char* key, const std::string& value, const char* remedy) {
  return {"listener." + std::string(key) + " \"" + value + "\" is not understood by OpenSSL (" +
              pki::openssl_reason() + "); " + remedy,
          kExitConfiguration};
}

Status set_up(SSL_CTX* context, const TlsSettings& settings) {
  SSL_CTX_set_min_proto_version(
      context, settings.tls_version == "tlsv1.3" ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets alone
  SSL_CTX_set_num_tickets(context, 1);
  const std::string_view* const protocol = settings.under_http ? &kHttp : &kMqtt;
  SSL_CTX_set_alpn_select_cb(context, on_protocols, const_cast<std::string_view*>(protocol));
  if (!settings.ciphers.empty() &&
      SSL_CTX_set_cipher_list(context, settings.ciphers.c_str()) != 1) {
    return bad_setting("ciphers", settings.ciphers, "`openssl ciphers -s -tls1_2` lists them");
  }
  if (!settings.ciphersuites.empty() &&
      SSL_CTX_set_ciphersuites(context, settings.ciphersuites.c_str()) != 1) {
    return bad_setting("ciphersuites", settings.ciphersuites,
                       "`openssl ciphers -s -tls1_3` lists them");
  }
  return Done{};
}

}  // namespace

// Who judges clients' certificates, and a print of it: a session that was made under other judges
// is not resumed, or a new revocation list would not hold for who has a ticket.
struct TlsContext::Judges {
  std::vector<pki::X509Ptr> authorities;
  std::vector<pki::CrlPtr> lists;
  std::array<unsigned char, EVP_MAX_MD_SIZE> print{};
  unsigned print_size = 0;
};

bool TlsContext::Names::has(int key_type) const {
  return std::any_of(leaves.begin(), leaves.end(), [&](const pki::X509Ptr& leaf) {
    return EVP_PKEY_get_base_id(X509_get0_pubkey(leaf.get())) == key_type;
  });
}

bool TlsContext::Names::is_for(const char* host) const {
  return std::any_of(leaves.begin(), leaves.end(), [&](const pki::X509Ptr& leaf) {
    return X509_check_host(leaf.get(), host, 0, 0, nullptr) == 1;
  });
}

int TlsContext::on_server_name(SSL* ssl, int*, void* arg) {
  const auto& self = *static_cast<const TlsContext*>(arg);
  const char* host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!host) return SSL_TLSEXT_ERR_NOACK;
  for (const Names& names : self.names_) {
    if (!names.is_for(host)) continue;
    SSL_set_SSL_CTX(ssl, names.context.get());
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;  // the client judges what it is shown
}

Result<std::shared_ptr<const TlsContext>> TlsContext::build(const TlsSettings& settings,
                                                            TicketKeys& tickets) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> self(new TlsContext);
  self->certificate_username_ = settings.certificate_username;
  self->asks_ = settings.asks_for_certificate();
  self->requires_ = settings.require_certificate;
  for (std::size_t i = 0; i < settings.certfile.size(); ++i) {
    Status added = self->add_certificate({"listener.certfile", settings.certfile[i]},
                                         {"listener.keyfile", settings.keyfile[i]}, settings);
    if (!added) return added.error();
  }
  const Result<Judges> judges = self->read_judges(settings);
  if (!judges) return judges.error();
  for (const Names& names : self->names_) {
    SSL_CTX* const context = names.context.get();
    self->judge_by(*judges, settings, context);
    tickets.serve(context);
    SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(context, self.get());
  }
  return std::shared_ptr<const TlsContext>(std::move(self));
}

// Where the names agree and the kind of key does not, a client may choose between the two.
Result<TlsContext::Names*> TlsContext::place_of(X509* leaf, const EVP_PKEY* key,
                                                const TlsSettings& settings) {
  const auto same_names = [&](const Names& names) {
    const X509* other = names.leaves.front().get();
    using NamesPtr = std::unique_ptr<GENERAL_NAMES, pki::Freed<GENERAL_NAMES_free>>;
    const auto alternatives = [](const X509* of) {
      return NamesPtr(static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(of, NID_subject_alt_name, nullptr, nullptr)));
    };
    const NamesPtr own = alternatives(leaf), others = alternatives(other);
    if (!own || !others) {
      return !own && !others &&
             X509_NAME_cmp(X509_get_subject_name(leaf), X509_get_subject_name(other)) == 0;
    }
    if (sk_GENERAL_NAME_num(own.get()) != sk_GENERAL_NAME_num(others.get())) return false;
    for (int i = 0; i < sk_GENERAL_NAME_num(own.get()); ++i) {
      if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(own.get(), i),
                           sk_GENERAL_NAME_value(others.get(), i)) != 0) {
        return false;
      }
    }
    return true;
  };
  const int type = EVP_PKEY_get_base_id(key);
  for (Names& names : names_) {
    if (same_names(names) && !names.has(type)) return &names;
  }
  Names& fresh = names_.emplace_back();
  fresh.context.reset(SSL_CTX_new(TLS_server_method()));
  Status done = set_up(fresh.context.get(), settings);
  if (!done) return done.error();
  return &fresh;
}

Status TlsContext::add_certificate(const pki::PemFile& certfile, const pki::PemFile& keyfile,
                                   const TlsSettings& settings) {
  Result<std::vector<pki::X509Ptr>> chain = pki::read_certificates(certfile);
  if (!chain) return chain.error();
  const Result<pki::KeyPtr> key = pki::read_private_key(keyfile);
  if (!key) return key.error();
  X509* const leaf = chain->front().get();
  if (X509_check_private_key(leaf, key->get()) != 1) {
    ERR_clear_error();
    return pki::bad_file(keyfile,
                         "is not the key of the certificate in " + certfile.path +
                             "; name the two in the same order, the server's own certificate "
                             "first in its file");
  }
  const Result<Names*> names = place_of(leaf, key->get(), settings);
  if (!names) return names.error();
  SSL_CTX* const context = (*names)->context.get();
  if (SSL_CTX_use_certificate(context, leaf) != 1 ||
      SSL_CTX_use_PrivateKey(context, key->get()) != 1) {
    return pki::bad_file(certfile, "is refused by OpenSSL (" + pki::openssl_reason() +
                                       "); make it with a longer key or another signature");
  }
  for (std::size_t i = 1; i < chain->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) != 1) {
      return pki::bad_file(certfile,
                           "has a chain that OpenSSL refuses (" + pki::openssl_reason() + ")");
    }
  }
  notes_.push_back(pki::note_of(certfile, "certificate", leaf));
  (*names)->leaves.push_back(std::move(chain->front()));
  return Done{};
}

Result<TlsContext::Judges> TlsContext::read_judges(const TlsSettings& settings) {
  Judges judges;
  const std::unique_ptr<EVP_MD_CTX, pki::Freed<EVP_MD_CTX_free>> print(EVP_MD_CTX_new());
  EVP_DigestInit_ex(print.get(), EVP_sha256(), nullptr);
  const auto add = [&](const auto& object, auto digest) {
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    digest(object, EVP_sha256(), md, &size);
    EVP_DigestUpdate(print.get(), md, size);
  };
  for (const pki::PemFile& named :
       {pki::PemFile{"listener.cafile", settings.cafile}, {"listener.capath", settings.capath}}) {
    if (named.path.empty()) continue;
    const Result<std::vector<pki::PemFile>> files = pki::pem_files(named);
    if (!files) return files.error();
    for (const pki::PemFile& file : *files) {
      Result<std::vector<pki::X509Ptr>> some = pki::read_certificates(file);
      if (!some) return some.error();
      for (pki::X509Ptr& one : *some) {
        add(one.get(), X509_digest);
        notes_.push_back(pki::note_of(file, "ca", one.get()));
        judges.authorities.push_back(std::move(one));
      }
    }
  }
  if (!settings.crlfile.empty()) {
    const Result<std::vector<pki::PemFile>> files =
        pki::pem_files({"listener.crlfile", settings.crlfile});
    if (!files) return files.error();
    for (const pki::PemFile& file : *files) {
      Result<std::vector<pki::CrlPtr>> some = pki::read_revocation_lists(file);
      if (!some) return some.error();
      for (pki::CrlPtr& one : *some) {
        add(one.get(), X509_CRL_digest);
        notes_.push_back(pki::note_of(file, one.get()));
        judges.lists.push_back(std::move(one));
      }
    }
  }
  const unsigned char demands = settings.require_certificate ? 1 : 0;
  EVP_DigestUpdate(print.get(), &demands, 1);
  EVP_DigestFinal_ex(print.get(), judges.print.data(), &judges.print_size);
  return judges;
}

void TlsContext::judge_by(const Judges& judges, const TlsSettings& settings,
                          SSL_CTX* context) const {
  SSL_CTX_set_session_id_context(context, judges.print.data(), judges.print_size);
  if (!settings.asks_for_certificate()) return;
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const pki::X509Ptr& one : judges.authorities) X509_STORE_add_cert(store, one.get());
  name_authorities(judges.authorities, context);
  add_newest(store, judges.lists);
  if (!settings.crlfile.empty()) {
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  }
  const int demand = settings.require_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | demand, on_verify);
}

bool TlsContext::trusts(const SSL* connection) const {
  X509* const shown = SSL_get0_peer_certificate(connection);
  if (!shown || !asks_) return !requires_ || shown;
  const std::unique_ptr<X509_STORE_CTX, pki::Freed<X509_STORE_CTX_free>> trial(
      X509_STORE_CTX_new());
  X509_STORE* const store = SSL_CTX_get_cert_store(names_.front().context.get());
  const ChainPtr beyond = chain_of(connection);
  if (!trial || X509_STORE_CTX_init(trial.get(), store, shown, beyond.get()) != 1) {
    return false;
  }
  X509_STORE_CTX_set_default(trial.get(), "ssl_client");
  X509_STORE_CTX_set_verify_cb(trial.get(), on_verify);
  const bool trusted = X509_verify_cert(trial.get()) == 1;
  ERR_clear_error();
  return trusted;
}

}  // namespace tandemq::net
