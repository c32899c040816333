// The keys that tokens are signed with: a JSON Web Key Set (RFC 7517). Of each kind of key one
// algorithm is taken, whatever a token says: RSA is RS256, EC on P-256 is ES256, oct is HS256, OKP
// with Ed25519 is EdDSA. Keys of other kinds, and those for something else than signatures, are
// passed over.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"

namespace tandemq::broker {

class VerifyKey {
 public:
  static VerifyKey of_public(const char* algorithm, EVP_PKEY* key);  // takes it
  static VerifyKey of_secret(std::string secret);                    // HS256

  // Takes its time: not on the loop. May be called on any thread.
  bool verifies(std::string_view signed_text, std::string_view signature) const;
  std::string_view algorithm() const { return algorithm_; }  // as a token's header names it
  // Of what it is made of: another key has another one.
  const std::string& fingerprint() const { return fingerprint_; }

  std::string id;  // "kid"; empty: none

 private:
  VerifyKey() = default;
  const char* algorithm_ = "";
  std::string fingerprint_;
  std::shared_ptr<EVP_PKEY> key_;  // public; null: it is
  std::string secret_;
};

class KeySet {
 public:
  static constexpr std::size_t kBytesMax = 1 << 20;
  static constexpr std::size_t kKeysMax = 100;
  static constexpr std::size_t kSecretBytesMin = 32;  // RFC 7518 section 3.2
  static constexpr int kRsaBitsMin = 2'048, kRsaBitsMax = 8'192;

  // The error names file, key and remedy.
  static Result<KeySet> load(const std::string& path);
  static Result<KeySet> parse(std::string_view text, const std::string& path);

  const std::vector<VerifyKey>& keys() const { return keys_; }
  bool holds(std::string_view fingerprint) const;
  // What is good by the letter and may not be meant.
  const std::vector<std::string>& doubts() const { return doubts_; }
  bool has_secrets() const { return has_secrets_; }  // who reads the file can make tokens
  // Of the text that it was read from.
  std::uint32_t checksum() const { return checksum_; }

 private:
  std::vector<VerifyKey> keys_;
  std::vector<std::string> doubts_;
  bool has_secrets_ = false;
  std::uint32_t checksum_ = 0;
};

}  // namespace tandemq::broker
