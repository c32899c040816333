#include "failover/ctl/password_entry.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iostream>
#include <utility>

#include "broker/access/base64.h"
#include "broker/access/scram.h"

namespace tandemq::failover {
namespace {

using broker::to_base64;

constexpr std::size_t kSaltSize = 12;       // as mosquitto_passwd's
constexpr std::size_t kScramSaltSize = 16;  // as PostgreSQL's, and as made up for unknown names
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

Result<std::string> salt_of(std::size_t size) {
  std::string salt(size, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(salt.data()), static_cast<int>(size)) == 1)
    return salt;
  return Error{"OpenSSL makes no salt; nothing was done", 1};
}

std::string scram_entry(const std::string& password, const std::string& salt, int iterations) {
  const broker::ScramVerifier made = broker::scram_verifier(password, salt, iterations);
  return std::string(broker::kScramMethod) + "$" + std::to_string(iterations) + ":" +
         to_base64(salt) + "$" + to_base64(made.stored_key) + ":" + to_base64(made.server_key);
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

Status check_wish(const EntryWish& wish, const std::string& user) {
  if (!wish.scram) return Done{};
  if (!broker::is_scram_text(user)) {
    return Error{"'" + user +
                     "' cannot log in by SCRAM: its names are of printable ASCII alone, as "
                     "clients write others in more than one way; leave --scram out",
                 1};
  }
  if (wish.iterations == 0 || wish.iterations >= broker::kScramIterationsMin) return Done{};
  return Error{"SCRAM-SHA-256 wants --iterations of " +
                   std::to_string(broker::kScramIterationsMin) + " or more (RFC 7677)",
               1};
}

Result<std::string> password_entry(const std::string& password, const EntryWish& wish) {
  if (wish.scram && !broker::is_scram_text(password)) {
    return Error{
        "a password for SCRAM is of printable ASCII alone, as clients write other characters in "
        "more than one way; nothing was done. Take another one, or leave --scram out",
        1};
  }
  const Result<std::string> salt = salt_of(wish.scram ? kScramSaltSize : kSaltSize);
  if (!salt) return salt;
  const int by_default = wish.scram ? broker::kScramIterationsMin : kIterationsDefault;
  const int iterations = wish.iterations != 0 ? wish.iterations : by_default;
  if (wish.scram) return scram_entry(password, *salt, iterations);
  std::string hash(kHashSize, '\0');
  const bool made = PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                                      reinterpret_cast<const unsigned char*>(salt->data()),
                                      static_cast<int>(salt->size()), iterations, EVP_sha512(),
                                      static_cast<int>(kHashSize),
                                      reinterpret_cast<unsigned char*>(hash.data())) == 1;
  if (!made) return Error{"OpenSSL makes no hash of the password; nothing was done", 1};
  return "$7$" + std::to_string(iterations) + "$" + to_base64(*salt) + "$" + to_base64(hash);
}

}  // namespace tandemq::failover
