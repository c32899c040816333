#include "tests/bench/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <utility>

namespace tandemq::bench {
namespace {

bool is_address(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace

Result<std::shared_ptr<Tls>> Tls::create(const std::string& ca_file, std::string host) {
  std::shared_ptr<Tls> tls(new Tls(SSL_CTX_new(TLS_client_method()), std::move(host)));
  SSL_CTX* context = tls->context_;
  if (SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) != 1) {
    ERR_clear_error();
    return Error{"cannot read certificates from " + ca_file + "; give --tls-ca a file in PEM form"};
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // Else OpenSSL gives up the session of a connection whose broker has died.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &TlsStream::keep_session);
  return tls;
}

Tls::~Tls() {
  SSL_CTX_free(context_);
}

TlsStream::~TlsStream() {
  stop();
  SSL_SESSION_free(session_);
}

void TlsStream::start(int fd) {
  stop();
  ssl_ = SSL_new(tls_->context_);
  SSL_set_app_data(ssl_, this);
  SSL_set_fd(ssl_, fd);
  if (is_address(tls_->host_)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), tls_->host_.c_str());
  } else {
    SSL_set1_host(ssl_, tls_->host_.c_str());
    SSL_set_tlsext_host_name(ssl_, tls_->host_.c_str());
  }
  if (session_) SSL_set_session(ssl_, session_);
  SSL_set_connect_state(ssl_);
}

// Sessions stay good although the connection ends without a word.
void TlsStream::stop() {
  if (!ssl_) return;
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(std::exchange(ssl_, nullptr));
}

int TlsStream::keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* stream = static_cast<TlsStream*>(SSL_get_app_data(ssl));
  SSL_SESSION_free(std::exchange(stream->session_, session));
  return 1;  // it is ours now
}

TlsStream::Shake TlsStream::shake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    ++(SSL_session_reused(ssl_) ? tls_->resumed : tls_->full);
    return Shake::done;
  }
  const int why = SSL_get_error(ssl_, result);
  if (why == SSL_ERROR_WANT_READ) return Shake::wants_read;
  if (why == SSL_ERROR_WANT_WRITE) return Shake::wants_write;
  note_error();
  return Shake::failed;
}

void TlsStream::note_error() {
  const unsigned long code = ERR_peek_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  error_ = reason ? std::string("TLS: ") + reason : "TLS: the broker closed the connection";
  ERR_clear_error();
}

ssize_t TlsStream::outcome(int result) {
  if (result > 0) return result;
  const int why = SSL_get_error(ssl_, result);
  if (why == SSL_ERROR_ZERO_RETURN) return 0;
  const bool waits = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
  if (!waits) note_error();
  errno = waits ? EAGAIN : ECONNRESET;
  return -1;
}

ssize_t TlsStream::read(char* into, std::size_t size) {
  ERR_clear_error();
  return outcome(SSL_read(ssl_, into, static_cast<int>(size)));
}

ssize_t TlsStream::write(const char* from, std::size_t size) {
  ERR_clear_error();
  return outcome(SSL_write(ssl_, from, static_cast<int>(size)));
}

bool TlsStream::pending() const {
  return SSL_pending(ssl_) > 0;
}

}  // namespace tandemq::bench
