#include "failover/ctl/password_entry.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iostream>
#include <utility>

namespace tandemq::failover {
namespace {

constexpr std::size_t kSaltSize = 12;  // as mosquitto_passwd's
constexpr std::size_t kHashSize = 64;
constexpr std::size_t kPasswordMax = 65535;  // what CONNECT can carry
constexpr std::size_t kTypedMax = 1024;

// Shows nothing of it, and gives the terminal back as it was, also when it is interrupted.
Result<std::string> typed_twice() {
  std::array<char, kTypedMax> line{};
  const bool done = EVP_read_pw_string(line.data(), line.size(), "Password: ", 1) == 0;
  std::string password = line.data();
  OPENSSL_cleanse(line.data(), line.size());
  if (done) return password;
  return Error{"no password was typed, or the two are not the same; nothing was done", 1};
}

std::string base64(const unsigned char* bytes, std::size_t size) {
  std::string out((size + 2) / 3 * 4 + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes, static_cast<int>(size));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

}  // namespace

Result<std::string> read_password(const std::string& file) {
  std::string password;
  if (!file.empty()) {
    std::ifstream in(file);
    std::getline(in, password);
    if (!in.is_open() || in.bad()) {
      return Error{"--password-file " + file + " cannot be read; nothing was done", 1};
    }
  } else if (isatty(STDIN_FILENO) != 0) {
    Result<std::string> typed = typed_twice();
    if (!typed) return typed;
    password = std::move(typed).value();
  } else {
    std::getline(std::cin, password);
  }
  if (!password.empty() && password.back() == '\r') password.pop_back();
  if (!password.empty() && password.size() <= kPasswordMax) return password;
  return Error{
      std::string(password.empty() ? "the password is empty" : "the password is too long") +
          "; nothing was done. Type it, or give it in the first line of the standard input "
          "or of --password-file",
      1};
}

Result<std::string> password_entry(const std::string& password, int iterations) {
  unsigned char salt[kSaltSize], hash[kHashSize];
  const bool made =
      RAND_bytes(salt, sizeof salt) == 1 &&
      PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt, sizeof salt,
                        iterations, EVP_sha512(), sizeof hash, hash) == 1;
  if (!made) return Error{"OpenSSL makes no hash of the password; nothing was done", 1};
  return "$7$" + std::to_string(iterations) + "$" + base64(salt, sizeof salt) + "$" +
         base64(hash, sizeof hash);
}

}  // namespace tandemq::failover
