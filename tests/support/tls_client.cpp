#include "tests/support/tls_client.h"

#include <openssl/err.h>

#include <algorithm>
#include <utility>

#include "broker/base/check.h"
#include "broker/net/tls_name.h"

namespace tandemq::test {

TlsClient::TlsClient(std::shared_ptr<MemoryWire> wire, const Way& way)
    : wire_(std::move(wire)),
      context_(SSL_CTX_new(TLS_client_method())),
      in_(BIO_new(BIO_s_mem())),
      out_(BIO_new(BIO_s_mem())) {
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context, way.version_max);
  if (!way.cafile.empty()) {
    TMQ_CHECK(SSL_CTX_load_verify_file(context, way.cafile.c_str()) == 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  if (!way.own.certfile.empty()) {
    SSL_CTX_use_certificate_chain_file(context, way.own.certfile.c_str());
    SSL_CTX_use_PrivateKey_file(context, way.own.keyfile.c_str(), SSL_FILETYPE_PEM);
  }
  ssl_.reset(SSL_new(context));
  if (!way.server_name.empty()) SSL_set_tlsext_host_name(ssl_.get(), way.server_name.c_str());
  if (!way.signatures.empty()) SSL_set1_sigalgs_list(ssl_.get(), way.signatures.c_str());
  if (!way.protocol.empty()) {
    const std::string offer = static_cast<char>(way.protocol.size()) + way.protocol;
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(offer.data()),
                        static_cast<unsigned>(offer.size()));
  }
  if (way.session) SSL_set_session(ssl_.get(), way.session);
  BIO_set_mem_eof_return(in_, -1);
  SSL_set_bio(ssl_.get(), in_, out_);
  SSL_set_connect_state(ssl_.get());
}

void TlsClient::exchange(std::size_t piece) {
  BIO_write(in_, wire_->from_broker.data(), static_cast<int>(wire_->from_broker.size()));
  wire_->from_broker.clear();
  ERR_clear_error();
  char buffer[20'000];
  std::size_t size = 0;
  while (SSL_read_ex(ssl_.get(), buffer, sizeof buffer, &size) == 1) heard_.append(buffer, size);
  failed_ = failed_ || SSL_get_error(ssl_.get(), 0) == SSL_ERROR_SSL;
  if (shaken() && !failed_ && !to_say_.empty()) {
    SSL_write_ex(ssl_.get(), to_say_.data(), to_say_.size(), &size);
    to_say_.clear();
  }
  char* bytes = nullptr;
  const auto waiting = static_cast<std::size_t>(BIO_get_mem_data(out_, &bytes));
  std::string moved(std::min(waiting, piece), '\0');
  BIO_read(out_, moved.data(), static_cast<int>(moved.size()));
  wire_->to_broker += moved;
  ERR_clear_error();
}

std::string TlsClient::server() const {
  const X509* shown = SSL_get0_peer_certificate(ssl_.get());
  return shown ? net::name_in(shown, net::CertificateName::common_name) : std::string();
}

int TlsClient::server_key() const {
  return EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_get0_peer_certificate(ssl_.get())));
}

std::string TlsClient::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace tandemq::test
