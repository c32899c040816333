#include "broker/net/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>

#include "broker/base/check.h"
#include "broker/base/exit_code.h"
#include "broker/net/tls_ticket_note.h"
#include "broker/pki/pem.h"
#include "broker/support/random.h"
#include "broker/support/text_file.h"

namespace tandemq::net {
namespace {

constexpr std::size_t kIdSize = 8;  // of a key's name: which secret; the rest is the number

std::string big_endian(std::uint64_t number) {
  std::string out;
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 0xff);
  return out;
}

// HKDF-SHA-256 (RFC 5869).
void derive(std::string& secret, std::string info, unsigned char* to, std::size_t size) {
  using Kdf = std::unique_ptr<EVP_KDF, pki::Freed<EVP_KDF_free>>;
  using Context = std::unique_ptr<EVP_KDF_CTX, pki::Freed<EVP_KDF_CTX_free>>;
  const Kdf kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const Context context(EVP_KDF_CTX_new(kdf.get()));
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
      OSSL_PARAM_construct_end()};
  TMQ_CHECK(EVP_KDF_derive(context.get(), to, size, params) == 1);
}

}  // namespace

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(secret_.data(), secret_.size());
  OPENSSL_cleanse(kept_.data(), sizeof kept_);
}

Result<std::string> TicketKeys::secret_from(const std::string& path) {
  if (path.empty()) return random_hex(32);
  Result<std::string> text = read_text_file(path);
  if (!text) {
    return Error{"tls.ticket_secret_file " + path + " cannot be read: " + text.error().message +
                     "; name the pair's secret, or leave the key out: clients then resume their "
                     "TLS sessions at one node only",
                 kExitConfiguration};
  }
  std::string secret = text->substr(0, text->find('\n'));
  if (secret.size() >= kSecretMin) return secret;
  return Error{"the first line of tls.ticket_secret_file " + path +
                   " must have at least 16 characters; make one with `openssl rand -hex 32` and "
                   "give both nodes the same",
               kExitConfiguration};
}

void TicketKeys::serve(SSL_CTX* context) {
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  SSL_CTX_set_timeout(context, kLifetimeS);
  SSL_CTX_set_session_ticket_cb(context, on_made, on_shown, this);
}

const TicketKeys::Key& TicketKeys::key(std::uint64_t number) {
  Kept& place = kept_[number % kKept];
  if (place.made && place.number == number) return place.key;
  const std::string at = big_endian(number);
  derive(secret_, "tandemq ticket name", place.key.name.data(), kIdSize);
  std::copy(at.begin(), at.end(), place.key.name.begin() + kIdSize);
  derive(secret_, "tandemq ticket cipher " + at, place.key.cipher.data(), place.key.cipher.size());
  derive(secret_, "tandemq ticket mac " + at, place.key.mac.data(), place.key.mac.size());
  place.number = number;
  place.made = true;
  return place.key;
}

// A node whose clock is a little behind must know the next key already.
const TicketKeys::Key* TicketKeys::known(const unsigned char* name, bool& renew) {
  const std::uint64_t now = number_now();
  for (std::uint64_t back = 0; back <= kFormerKeys + 1 && back <= now + 1; ++back) {
    const Key& one = key(now + 1 - back);
    if (std::memcmp(one.name.data(), name, one.name.size()) != 0) continue;
    renew = back > 1;
    return &one;
  }
  return nullptr;
}

// A resumed session is not verified again, so its ticket says until when all certificates are good
// by which the client came in. Of a session that is resumed the earlier word stays.
int TicketKeys::on_made(SSL* ssl, void*) {
  const STACK_OF(X509)* const chain = SSL_get0_verified_chain(ssl);
  std::int64_t until = std::numeric_limits<std::int64_t>::max();
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    until = std::min(until, pki::unix_time(X509_get0_notAfter(sk_X509_value(chain, i))));
  }
  if (sk_X509_num(chain) <= 0) return 1;
  return note_in_ticket(ssl, until);
}

SSL_TICKET_RETURN TicketKeys::on_shown(SSL*, SSL_SESSION* session, const unsigned char*,
                                       std::size_t, SSL_TICKET_STATUS status, void* self) {
  const bool renew = status == SSL_TICKET_SUCCESS_RENEW;
  if (!renew && status != SSL_TICKET_SUCCESS) return SSL_TICKET_RETURN_IGNORE_RENEW;
  const std::uint64_t now_s = static_cast<TicketKeys*>(self)->pair_ms_() / 1000;
  if (good_until(session) < static_cast<std::int64_t>(now_s)) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return renew ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

// OpenSSL asks: 1 go on, 2 go on and give the client a newer one, 0 a ticket of a key that nobody
// knows (a full handshake follows), -1 broken.
int TicketKeys::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                          EVP_MAC_CTX* mac, int sealing) {
  auto& self = *static_cast<TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  bool renew = false;
  const Key* key = sealing ? &self.key(self.number_now()) : self.known(name, renew);
  if (!key) return 0;
  if (sealing) {
    std::memcpy(name, key->name.data(), key->name.size());
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
  }
  std::array<unsigned char, 32> mac_key = key->mac;
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key.data(), mac_key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  const int done =
      EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv, sealing) == 1 &&
      EVP_MAC_CTX_set_params(mac, params) == 1;
  OPENSSL_cleanse(mac_key.data(), mac_key.size());
  if (!done) return -1;
  return renew ? 2 : 1;
}

}  // namespace tandemq::net
