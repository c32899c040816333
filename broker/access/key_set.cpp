#include "broker/access/key_set.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "broker/access/base64url.h"
#include "broker/base/crc32c.h"
#include "broker/base/exit_code.h"
#include "broker/support/text_file.h"

namespace tandemq::broker {
namespace {

using nlohmann::json;

constexpr std::size_t kCoordinateBytes = 32;  // of P-256, and a key of Ed25519

// Empty when it is not there, or no text.
std::string text_of(const json& key, const char* name) {
  const auto found = key.find(name);
  return found != key.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string bytes_of(const json& key, const char* name) {
  return from_base64url(text_of(key, name)).value_or("");
}

const unsigned char* raw(const std::string& bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;
Number number_of(const std::string& bytes) {
  return {BN_bin2bn(raw(bytes), static_cast<int>(bytes.size()), nullptr), BN_free};
}

// Null when the parameters are no key.
EVP_PKEY* make_key(const char* kind, OSSL_PARAM_BLD* parts) {
  const std::unique_ptr<OSSL_PARAM, decltype(&OSSL_PARAM_free)> parameters(
      OSSL_PARAM_BLD_to_param(parts), OSSL_PARAM_free);
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr), EVP_PKEY_CTX_free);
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return key;
}

using Parts = std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)>;

Result<VerifyKey> rsa_key(const json& entry) {
  const std::string n = bytes_of(entry, "n"), e = bytes_of(entry, "e");
  if (n.empty() || e.empty() || n.size() > KeySet::kRsaBitsMax / 8 || e.size() > 8) {
    return Error{"has no `n` and `e` of an RSA key of 2048 to 8192 bits, in base64url"};
  }
  const Number modulus = number_of(n), exponent = number_of(e);
  if (BN_num_bits(modulus.get()) < KeySet::kRsaBitsMin) {
    return Error{"is an RSA key of less than 2048 bits; make a longer one"};
  }
  if (!BN_is_odd(exponent.get()) || BN_num_bits(exponent.get()) < 2) {
    return Error{"is an RSA key whose `e` protects nothing; it is 65537 (AQAB) as a rule"};
  }
  const Parts parts(OSSL_PARAM_BLD_new(), OSSL_PARAM_BLD_free);
  OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  EVP_PKEY* key = make_key("RSA", parts.get());
  if (!key) return Error{"is no RSA key"};
  return VerifyKey::of_public("RS256", key);
}

Result<VerifyKey> ec_key(const json& entry) {
  const std::string x = bytes_of(entry, "x"), y = bytes_of(entry, "y");
  const Error wrong{"has no `x` and `y` of a point on P-256, in base64url"};
  if (x.size() != kCoordinateBytes || y.size() != kCoordinateBytes) return wrong;
  const std::string point = '\4' + x + y;  // uncompressed
  const Parts parts(OSSL_PARAM_BLD_new(), OSSL_PARAM_BLD_free);
  OSSL_PARAM_BLD_push_utf8_string(parts.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(parts.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  EVP_PKEY* key = make_key("EC", parts.get());
  if (!key) return wrong;
  return VerifyKey::of_public("ES256", key);
}

Result<VerifyKey> ed25519_key(const json& entry) {
  const std::string x = bytes_of(entry, "x");
  EVP_PKEY* key = x.size() == kCoordinateBytes
                      ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(x), x.size())
                      : nullptr;
  if (!key) return Error{"has no `x` of an Ed25519 key, in base64url"};
  return VerifyKey::of_public("EdDSA", key);
}

Result<VerifyKey> secret_key(const json& entry) {
  std::string secret = bytes_of(entry, "k");
  if (secret.size() < KeySet::kSecretBytesMin) {
    return Error{"has no `k` of 32 bytes or more, in base64url"};
  }
  return VerifyKey::of_secret(std::move(secret));
}

bool is_for_signatures(const json& entry) {
  const std::string use = text_of(entry, "use");
  const auto operations = entry.find("key_ops");
  const bool verifies =
      operations == entry.end() || !operations->is_array() ||
      std::find(operations->begin(), operations->end(), "verify") != operations->end();
  return (use.empty() || use == "sig") && verifies;
}

// None: of a kind that is not known here.
std::optional<Result<VerifyKey>> key_of(const json& entry) {
  const std::string kind = text_of(entry, "kty"), curve = text_of(entry, "crv");
  if (kind == "RSA") return rsa_key(entry);
  if (kind == "oct") return secret_key(entry);
  if (kind == "EC" && curve == "P-256") return ec_key(entry);
  if (kind == "OKP" && curve == "Ed25519") return ed25519_key(entry);
  return {};
}

}  // namespace

Result<KeySet> KeySet::parse(std::string_view text, const std::string& path) {
  KeySet set;
  set.checksum_ = crc32c(text);
  const auto wrong = [&](const std::string& what) {
    return Error{path + ": " + what, kExitConfiguration};
  };
  if (text.size() > kBytesMax) return wrong("is larger than 1 MiB; keep only keys that are in use");
  const json document = json::parse(without_byte_order_mark(text), nullptr, false);
  const auto entries = document.is_object() ? document.find("keys") : document.end();
  if (!document.is_object() || entries == document.end() || !entries->is_array()) {
    return wrong("is no JSON Web Key Set; it is written as {\"keys\": [{\"kty\": …}, …]}");
  }
  if (entries->size() > kKeysMax) return wrong("has more than 100 keys; keep those in use");
  int number = 0;
  for (const json& entry : *entries) {
    ++number;
    if (!entry.is_object()) return wrong("key " + std::to_string(number) + " is no JSON object");
    if (!is_for_signatures(entry)) continue;
    std::optional<Result<VerifyKey>> key = key_of(entry);
    if (!key) continue;
    ERR_clear_error();
    const std::string id = text_of(entry, "kid"), algorithm = text_of(entry, "alg");
    const std::string name = "key " + std::to_string(number) + (id.empty() ? "" : " (" + id + ")");
    if (!*key) return wrong(name + " " + key->error().message);
    VerifyKey good = std::move(*key).value();
    if (!algorithm.empty() && algorithm != good.algorithm()) {
      set.doubts_.push_back(path + ": " + name + " is for " + algorithm +
                            " and is passed over; of its kind only " +
                            std::string(good.algorithm()) + " is taken");
      continue;
    }
    good.id = id;
    const bool is_secret = good.algorithm() == "HS256";
    set.has_secrets_ = set.has_secrets_ || is_secret || entry.contains("d");
    if (entry.contains("d") && !is_secret) {
      set.doubts_.push_back(path + ": " + name +
                            " holds the private part, too; the broker needs the public one alone");
    }
    set.keys_.push_back(std::move(good));
  }
  if (set.keys_.empty()) {
    return wrong("has no key for signatures of RS256, ES256, HS256 or EdDSA; add one");
  }
  return set;
}

Result<KeySet> KeySet::load(const std::string& path) {
  const Result<std::string> text = read_text_file(path);
  if (!text) {
    return Error{"auth.jwt_jwks_file " + path + " cannot be read: " + text.error().message +
                     "; write the key set of whoever issues the tokens there, and let the broker "
                     "read it",
                 kExitConfiguration};
  }
  return parse(*text, path);
}

bool KeySet::holds(std::string_view fingerprint) const {
  return std::any_of(keys_.begin(), keys_.end(),
                     [&](const VerifyKey& one) { return one.fingerprint() == fingerprint; });
}

}  // namespace tandemq::broker
