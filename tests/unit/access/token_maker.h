// Keys and tokens made for a test, by OpenSSL: nothing of what is tested is used for it.
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <memory>
#include <string>

namespace tandemq::test {

inline std::string base64url(const std::string& bytes) {
  std::string out(bytes.size() * 4 / 3 + 8, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (!out.empty() && out.back() == '=') out.pop_back();
  return out;
}

// One key of a kind: "RS256", "ES256", "EdDSA" or "HS256".
class Signer {
 public:
  explicit Signer(const std::string& algorithm, std::string id = "k1", unsigned rsa_bits = 2048)
      : algorithm_(algorithm), id_(std::move(id)) {
    EVP_PKEY* key = algorithm == "RS256"   ? EVP_RSA_gen(rsa_bits)
                    : algorithm == "ES256" ? EVP_EC_gen("P-256")
                    : algorithm == "EdDSA" ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                                           : nullptr;
    key_ = {key, EVP_PKEY_free};
    if (!key) secret_ = "a secret of at least 32 bytes, " + id_;
  }

  // As in a key set; `more`: further members, with a comma first.
  std::string jwk(const std::string& more = "") const {
    return "{\"kid\":\"" + id_ + "\"," + material() + more + "}";
  }
  std::string set() const { return "{\"keys\":[" + jwk() + "]}"; }

  std::string token(const std::string& payload) const {
    return token(payload, "{\"alg\":\"" + algorithm_ + "\",\"kid\":\"" + id_ + "\"}");
  }
  std::string token(const std::string& payload, const std::string& header) const {
    const std::string text = base64url(header) + "." + base64url(payload);
    return text + "." + base64url(sign(text));
  }

  std::string number(const char* name) const {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(key_.get(), name, &value);
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(value)), '\0');
    BN_bn2bin(value, reinterpret_cast<unsigned char*>(bytes.data()));
    BN_free(value);
    const bool is_point = algorithm_ == "ES256";
    if (is_point) bytes.insert(0, 32 - bytes.size(), '\0');
    return base64url(bytes);
  }

 private:
  std::string material() const {
    if (algorithm_ == "RS256")
      return R"("kty":"RSA","n":")" + number(OSSL_PKEY_PARAM_RSA_N) + R"(","e":")" +
             number(OSSL_PKEY_PARAM_RSA_E) + "\"";
    if (algorithm_ == "ES256")
      return R"("kty":"EC","crv":"P-256","x":")" + number(OSSL_PKEY_PARAM_EC_PUB_X) + R"(","y":")" +
             number(OSSL_PKEY_PARAM_EC_PUB_Y) + "\"";
    if (algorithm_ == "HS256") return R"("kty":"oct","k":")" + base64url(secret_) + "\"";
    std::string raw(32, '\0');
    std::size_t size = raw.size();
    EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
    return R"("kty":"OKP","crv":"Ed25519","x":")" + base64url(raw) + "\"";
  }

  std::string sign(const std::string& text) const {
    std::string out(1024, '\0');
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    const auto* from = reinterpret_cast<const unsigned char*>(text.data());
    if (!key_) {
      unsigned size = 0;
      HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), from, text.size(), to,
           &size);
      return out.substr(0, size);
    }
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    std::size_t size = out.size();
    EVP_DigestSignInit(context, nullptr, algorithm_ == "EdDSA" ? nullptr : EVP_sha256(), nullptr,
                       key_.get());
    EVP_DigestSign(context, to, &size, from, text.size());
    EVP_MD_CTX_free(context);
    out.resize(size);
    return algorithm_ == "ES256" ? side_by_side(out) : out;
  }

  static std::string side_by_side(const std::string& der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* both = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    std::string out(64, '\0');
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(both), to, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(both), to + 32, 32);
    ECDSA_SIG_free(both);
    return out;
  }

  std::string algorithm_, id_, secret_;
  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace tandemq::test
