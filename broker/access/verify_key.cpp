#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <memory>

#include "broker/access/key_set.h"
#include "broker/access/sha256.h"

namespace tandemq::broker {
namespace {

constexpr std::size_t kP256Bytes = 32;
constexpr std::size_t kP256SignatureBytes = 2 * kP256Bytes;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// The key as SubjectPublicKeyInfo.
std::string encoded(EVP_PKEY* key) {
  unsigned char* out = nullptr;
  const int size = i2d_PUBKEY(key, &out);
  std::string text(reinterpret_cast<const char*>(out),
                   size > 0 ? static_cast<std::size_t>(size) : 0);
  OPENSSL_free(out);
  return text;
}

// A token has both numbers side by side (RFC 7518 section 3.4), OpenSSL wants them in DER. Empty
// when it is no such signature.
std::string to_der(std::string_view signature) {
  if (signature.size() != kP256SignatureBytes) return {};
  std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> both(ECDSA_SIG_new(), ECDSA_SIG_free);
  BIGNUM* r = BN_bin2bn(bytes(signature), kP256Bytes, nullptr);
  BIGNUM* s = BN_bin2bn(bytes(signature) + kP256Bytes, kP256Bytes, nullptr);
  ECDSA_SIG_set0(both.get(), r, s);
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(both.get(), &out);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
  OPENSSL_free(out);
  return der;
}

bool hmac_matches(std::string_view secret, std::string_view text, std::string_view expected) {
  unsigned char own[SHA256_DIGEST_LENGTH];
  if (expected.size() != sizeof own) return false;
  const auto size = static_cast<int>(secret.size());
  if (!HMAC(EVP_sha256(), secret.data(), size, bytes(text), text.size(), own, nullptr))
    return false;
  return CRYPTO_memcmp(own, expected.data(), sizeof own) == 0;
}

}  // namespace

VerifyKey VerifyKey::of_public(const char* algorithm, EVP_PKEY* key) {
  VerifyKey out;
  out.algorithm_ = algorithm;
  out.key_ = {key, EVP_PKEY_free};
  out.fingerprint_ = sha256("public:" + encoded(key));
  return out;
}

VerifyKey VerifyKey::of_secret(std::string secret) {
  VerifyKey out;
  out.algorithm_ = "HS256";
  out.fingerprint_ = sha256("secret:" + secret);
  out.secret_ = std::move(secret);
  return out;
}

bool VerifyKey::verifies(std::string_view signed_text, std::string_view signature) const {
  if (!key_) return hmac_matches(secret_, signed_text, signature);
  std::string der;
  if (algorithm() == "ES256") {
    der = to_der(signature);
    if (der.empty()) return false;
    signature = der;
  }
  const EVP_MD* digest = algorithm() == "EdDSA" ? nullptr : EVP_sha256();
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  return EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(signed_text),
                          signed_text.size()) == 1;
}

}  // namespace tandemq::broker
