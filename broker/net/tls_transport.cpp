#include "broker/net/tls_transport.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <utility>

#include "broker/base/check.h"
#include "broker/net/tls_name.h"

namespace tandemq::net {

std::unique_ptr<TlsTransport> TlsTransport::serve(std::unique_ptr<Transport> below,
                                                  const std::shared_ptr<const TlsContext>& context,
                                                  Handshakes& handshakes, const Failed& failed) {
  std::unique_ptr<TlsTransport> self(
      new TlsTransport(std::move(below), context, handshakes, failed));
  if (!self->ssl_) return nullptr;
  self->rearm();
  return self;
}

TlsTransport::TlsTransport(std::unique_ptr<Transport> below,
                           const std::shared_ptr<const TlsContext>& context, Handshakes& handshakes,
                           const Failed& failed)
    : below_(std::move(below)),
      context_(context),
      of_now_(context),
      handshakes_(handshakes),
      failed_(failed) {
  below_->attach(*this);
  BIO* bio = BIO_new(bio_method());
  ssl_.reset(context_->new_connection());
  if (!bio || !ssl_) {
    BIO_free(bio);
    ssl_.reset();
    return;
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_accept_state(ssl_.get());
}

TlsTransport::~TlsTransport() {
  if (queued_) handshakes_.remove(*this);
}

IoResult TlsTransport::read(char* to, std::size_t size_max) {
  pending_ = false;
  if (phase_ != Phase::open) return {phase_ == Phase::over ? Io::ended : Io::later};
  std::size_t size = 0;
  IoResult last{Io::done};
  // A record after the other, as long as they are here already.
  while (size < size_max && last.io == Io::done) {
    ERR_clear_error();
    std::size_t got = 0;
    last = outcome(SSL_read_ex(ssl_.get(), to + size, size_max - size, &got));
    if (last.io != Io::done) break;
    size += got;
    pending_ = SSL_has_pending(ssl_.get()) == 1;
    if (!pending_) break;
  }
  if (last.io != Io::done) pending_ = last.io == Io::ended && size > 0;  // the end comes next
  needs_room_ = last.io == Io::later && SSL_want_write(ssl_.get());
  if (size > 0) return {Io::done, size};
  return last;
}

IoResult TlsTransport::write(std::string_view bytes) {
  if (phase_ != Phase::open) return {phase_ == Phase::over ? Io::ended : Io::later};
  std::size_t size = 0;
  while (size < bytes.size()) {
    ERR_clear_error();
    std::size_t written = 0;
    const int returned =
        SSL_write_ex(ssl_.get(), bytes.data() + size, bytes.size() - size, &written);
    const IoResult last = outcome(returned);
    if (last.io == Io::ended) return last;
    if (last.io == Io::later) break;
    size += written;
  }
  return {size > 0 ? Io::done : Io::later, size};
}

void TlsTransport::shut() {
  if (phase_ == Phase::open) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  } else if (phase_ == Phase::shaking) {
    ++handshakes_.counters.failed;
    phase_ = Phase::over;
  }
  below_->shut();
}

void TlsTransport::want(Ready what) {
  wanted_ = what;
  rearm();
}

void TlsTransport::rearm() {
  if (queued_) return below_->want({});  // it goes on when its turn comes
  if (phase_ == Phase::shaking) return below_->want({!needs_room_, needs_room_, false});
  below_->want(
      {wanted_.read && !needs_room_, wanted_.write || (wanted_.read && needs_room_), wanted_.gone});
}

void TlsTransport::transport_ready(Ready what) {
  if (phase_ == Phase::shaking) {
    queued_ = true;
    rearm();
    return handshakes_.add(*this, begun_);
  }
  const bool room_to_read = what.write && needs_room_ && wanted_.read;
  user_->transport_ready(
      {(what.read && wanted_.read) || room_to_read, what.write && wanted_.write, what.gone});
}

void TlsTransport::handshake() {
  queued_ = false;
  if (phase_ == Phase::over) return rearm();  // it was shut meanwhile
  begun_ = true;
  ERR_clear_error();
  const IoResult result = outcome(SSL_do_handshake(ssl_.get()));
  needs_room_ = result.io == Io::later && SSL_want_write(ssl_.get());
  if (result.io == Io::done) open();
  rearm();
  if (phase_ == Phase::over || pending_) tell_readable();
}

void TlsTransport::open() {
  SSL* const ssl = ssl_.get();
  const X509* shown = SSL_get0_peer_certificate(ssl);
  if (shown && context_->certificate_username() != CertificateName::none) {
    user_name_ = name_in(shown, context_->certificate_username());
    if (user_name_.empty()) return fail("the client's certificate names no user");
  }
  // A ticket may be older than the end of what it was given for.
  if (shown && X509_cmp_current_time(X509_get0_notAfter(shown)) < 0) {
    return fail("the client's certificate has expired");
  }
  ++(SSL_session_reused(ssl) ? handshakes_.counters.resumed : handshakes_.counters.full);
  phase_ = Phase::open;
  pending_ = SSL_has_pending(ssl) == 1;
}

// Who does not listen now will ask (pending) or be told of the end by the transport below.
void TlsTransport::tell_readable() {
  if (wanted_.read) user_->transport_ready({true, false, false});
}

IoResult TlsTransport::outcome(int returned) {
  if (returned == 1) return {Io::done};
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return {Io::later};
    case SSL_ERROR_ZERO_RETURN:
      if (phase_ == Phase::shaking) fail("the client closed in the middle of the handshake");
      break;
    case SSL_ERROR_SYSCALL:
      if (phase_ == Phase::shaking) fail("the connection broke in the middle of the handshake");
      break;
    default:
      fail(reason_of_failure());
  }
  phase_ = Phase::over;
  return {Io::ended};
}

std::string TlsTransport::reason_of_failure() const {
  const long verdict = SSL_get_verify_result(ssl_.get());
  std::string reason = pki::openssl_reason();
  if (verdict == X509_V_OK) return reason;
  return reason + ": " + X509_verify_cert_error_string(verdict);
}

void TlsTransport::fail(const std::string& reason) {
  if (phase_ == Phase::over) return;
  if (phase_ == Phase::shaking) ++handshakes_.counters.failed;
  phase_ = Phase::over;
  if (!below_ended_) below_->shut();  // the alert that says why is on its way
  failed_(below_->peer_address(), reason);
}

const BIO_METHOD* TlsTransport::bio_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "transport");
    TMQ_CHECK(made != nullptr);
    BIO_meth_set_read_ex(made, bio_read);
    BIO_meth_set_write_ex(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

int TlsTransport::bio_read(BIO* bio, char* to, std::size_t size_max, std::size_t* size) {
  auto& self = *static_cast<TlsTransport*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const IoResult got = self.below_->read(to, size_max);
  if (got.io == Io::later) BIO_set_retry_read(bio);
  if (got.io == Io::ended) self.below_ended_ = true;
  *size = got.size;
  return got.io == Io::done;
}

int TlsTransport::bio_write(BIO* bio, const char* from, std::size_t size_max, std::size_t* size) {
  auto& self = *static_cast<TlsTransport*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const IoResult put = self.below_->write({from, size_max});
  if (put.io == Io::later) BIO_set_retry_write(bio);
  *size = put.size;
  return put.io == Io::done;
}

long TlsTransport::bio_control(BIO* bio, int what, long, void*) {
  if (what == BIO_CTRL_FLUSH) return 1;
  if (what == BIO_CTRL_EOF) return static_cast<TlsTransport*>(BIO_get_data(bio))->below_ended_;
  return 0;
}

}  // namespace tandemq::net
