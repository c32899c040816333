// The client's side of SCRAM-SHA-256.
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "broker/access/base64.h"
#include "broker/access/sha256.h"

namespace tandemq::test {

inline std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::string out(32, '\0');
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), nullptr);
  return out;
}

struct ScramClient {
  std::string user, password;

  std::string bare() const { return "n=" + user + ",r=nonce"; }
  std::string first() const { return "n,," + bare(); }
  // The answer to a challenge as `r=NONCE,s=SALT,i=N`.
  std::string last(const std::string& challenge) const {
    const std::size_t s = challenge.find(",s="), i = challenge.find(",i=");
    const std::string salt = *broker::from_base64(challenge.substr(s + 3, i - s - 3));
    std::string salted(32, '\0');
    PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                      reinterpret_cast<const unsigned char*>(salt.data()),
                      static_cast<int>(salt.size()), std::atoi(challenge.c_str() + i + 3),
                      EVP_sha256(), 32, reinterpret_cast<unsigned char*>(salted.data()));
    const std::string said = "c=biws," + challenge.substr(0, s);
    std::string key = hmac_sha256(salted, "Client Key");
    const std::string signature =
        hmac_sha256(broker::sha256(key), bare() + "," + challenge + "," + said);
    for (std::size_t at = 0; at < key.size(); ++at)
      key[at] = static_cast<char>(key[at] ^ signature[at]);
    return said + ",p=" + broker::to_base64(key);
  }
};

}  // namespace tandemq::test
