// SHA-256 (FIPS 180-4) of a text, as 32 bytes.
#pragma once

#include <openssl/sha.h>

#include <string>
#include <string_view>

namespace tandemq::broker {

inline std::string sha256(std::string_view text) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return {reinterpret_cast<const char*>(digest), sizeof digest};
}

}  // namespace tandemq::broker
