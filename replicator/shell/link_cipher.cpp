#include "replicator/shell/link_cipher.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstring>

#include "broker/base/check.h"
#include "replicator/core/wire.h"

namespace tandemq::repl {
namespace {

constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;
constexpr std::size_t kSmallHead = 64;
constexpr int kAlerts = SSL_AD_REASON_OFFSET;  // reasons from there on: an alert of the other end

// Alerts by which an end says that it does not like the other's certificate.
bool is_about_certificate(int alert) {
  return (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_CERTIFICATE_UNKNOWN) ||
         alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_ACCESS_DENIED ||
         alert == SSL_AD_CERTIFICATE_REQUIRED;
}

}  // namespace

LinkCipher::LinkCipher(const LinkTls& tls, bool dials, std::string& out,
                       std::uint64_t records_per_key)
    : tls_(tls),
      out_(out),
      records_per_key_(records_per_key),
      raw_(std::make_unique_for_overwrite<char[]>(kRoom)),
      ssl_(tls.new_connection()) {
  BIO* bio = BIO_new(bio_method());
  TMQ_CHECK(ssl_ != nullptr && bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  dials ? SSL_set_connect_state(ssl_.get()) : SSL_set_accept_state(ssl_.get());
}

void LinkCipher::received(std::size_t size) {
  TMQ_CHECK(raw_at_ == raw_end_);
  raw_at_ = 0;
  raw_end_ = size;
  const std::size_t more = std::min(size, first_.size() - first_size_);
  std::memcpy(first_.data() + first_size_, raw_.get(), more);
  first_size_ += more;
}

LinkCipher::Io LinkCipher::shake() {
  ERR_clear_error();
  const Io result = outcome(SSL_do_handshake(ssl_.get()));
  shaken_ = result == Io::done;
  return result;
}

LinkCipher::Io LinkCipher::read(char* to, std::size_t size_max, std::size_t& size) {
  ERR_clear_error();
  return outcome(SSL_read_ex(ssl_.get(), to, size_max, &size));
}

bool LinkCipher::seal(std::string_view head, std::string_view body) {
  out_.reserve(out_.size() + head.size() + body.size() + body.size() / 256 + 128);
  if (head.size() > kSmallHead || body.empty()) return write(head) && write(body);
  // A small head goes with the front of what it is for.
  char front[kRecord];
  const std::size_t of_body = std::min(body.size(), kRecord - head.size());
  std::memcpy(front, head.data(), head.size());
  std::memcpy(front + head.size(), body.data(), of_body);
  return write({front, head.size() + of_body}) && write(body.substr(of_body));
}

bool LinkCipher::write(std::string_view bytes) {
  if (bytes.empty()) return true;
  ERR_clear_error();
  records_ += bytes.size() / kRecord + 1;
  if (records_ > records_per_key_) {
    SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
    records_ = 1;
  }
  std::size_t written = 0;
  const bool done = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) == 1;
  ERR_clear_error();
  return done;
}

// Plain messages of a size that may come first have zeros where TLS has its version and length.
bool LinkCipher::met_plain() const {
  return first_size_ == first_.size() && first_[2] == 0 && first_[3] == 0 && first_[8] >= 1 &&
         first_[8] <= 14;
}

LinkCipher::Io LinkCipher::outcome(int returned) {
  if (returned == 1) return Io::done;
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      return Io::again;
    case SSL_ERROR_ZERO_RETURN:
      failure_ = "the peer closed the connection";
      return Io::failed;
    default:
      note_failure();
      return Io::failed;
  }
}

void LinkCipher::note_failure() {
  const int reason = ERR_GET_REASON(ERR_peek_error());
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (verdict != X509_V_OK) {
    refusal_ = true;
    failure_ = tls_.words_of_verdict(verdict);
    ERR_clear_error();
  } else if (reason > kAlerts && is_about_certificate(reason - kAlerts)) {
    refusal_ = true;
    failure_ = tls_.words_of_alert(reason - kAlerts);
    ERR_clear_error();
  } else {
    failure_ = "TLS failed: " + pki::openssl_reason();
  }
}

const BIO_METHOD* LinkCipher::bio_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "link");
    TMQ_CHECK(made != nullptr);
    BIO_meth_set_read_ex(made, bio_read);
    BIO_meth_set_write_ex(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

int LinkCipher::bio_read(BIO* bio, char* to, std::size_t size_max, std::size_t* size) {
  auto& self = *static_cast<LinkCipher*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *size = std::min(size_max, self.raw_end_ - self.raw_at_);
  if (*size == 0) return BIO_set_retry_read(bio), 0;
  std::memcpy(to, self.raw_.get() + self.raw_at_, *size);
  self.raw_at_ += *size;
  return 1;
}

int LinkCipher::bio_write(BIO* bio, const char* from, std::size_t size, std::size_t* written) {
  static_cast<LinkCipher*>(BIO_get_data(bio))->out_.append(from, size);
  *written = size;
  return 1;
}

long LinkCipher::bio_control(BIO*, int what, long, void*) {
  return what == BIO_CTRL_FLUSH ? 1 : 0;
}

}  // namespace tandemq::repl
