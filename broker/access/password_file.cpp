#include "broker/access/password_file.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <charconv>
#include <optional>
#include <utility>

#include "broker/access/base64.h"
#include "broker/base/crc32c.h"
#include "broker/base/exit_code.h"
#include "broker/support/text_file.h"

namespace tandemq::broker {
namespace {

constexpr std::size_t kHashSize = 64;  // SHA-512
constexpr int kIterationsMax = 10'000'000;
constexpr int kIterationsDefault = 101;  // mosquitto_passwd's default

std::string hash_password(std::string_view password, const std::string& salt, int iterations) {
  std::string out(kHashSize, '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  if (iterations > 0) {
    PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                      reinterpret_cast<const unsigned char*>(salt.data()),
                      static_cast<int>(salt.size()), iterations, EVP_sha512(),
                      static_cast<int>(kHashSize), to);
  } else {
    const std::string salted = std::string(password) + salt;
    EVP_Digest(salted.data(), salted.size(), to, nullptr, EVP_sha512(), nullptr);
  }
  return out;
}

std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == text.npos ? text.size() : at + 1);
  return part;
}

// Bytes in base64, of `least` to `most`.
bool read_bytes(std::string_view text, std::size_t least, std::size_t most, std::string& out) {
  std::optional<std::string> bytes = from_base64(text);
  if (!bytes || bytes->size() < least || bytes->size() > most) return false;
  out = *std::move(bytes);
  return true;
}

bool read_iterations(std::string_view digits, int least, int& out) {
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size();
  return whole && out >= least && out <= kIterationsMax;
}

// Behind the name of the method.
bool read_scram(std::string_view text, PasswordHash& out) {
  const std::string_view iterations = take_until(text, ':');
  const std::string_view salt = take_until(text, '$');
  const std::string_view stored_key = take_until(text, ':');
  return read_iterations(iterations, kScramIterationsMin, out.iterations) &&
         read_bytes(salt, 1, kScramSaltMax, out.salt) &&
         read_bytes(stored_key, kScramKeySize, kScramKeySize, out.hash) &&
         read_bytes(text, kScramKeySize, kScramKeySize, out.server_key);
}

// Behind $7$ or $6$.
bool read_mosquitto(std::string_view text, bool iterates, PasswordHash& out) {
  if (iterates && !read_iterations(take_until(text, '$'), 1, out.iterations)) return false;
  const std::string_view salt = take_until(text, '$');
  return read_bytes(salt, 1, salt.size(), out.salt) &&
         read_bytes(text, kHashSize, kHashSize, out.hash);
}

// Takes `start` off the front.
bool take(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

constexpr std::string_view kScramStart = "SCRAM-SHA-256$";
static_assert(kScramStart.substr(0, kScramStart.size() - 1) == kScramMethod);

}  // namespace

PasswordHash PasswordHash::of(ScramVerifier verifier) {
  return {verifier.iterations, std::move(verifier.salt), std::move(verifier.stored_key),
          std::move(verifier.server_key)};
}

Result<PasswordHash> PasswordFile::parse_entry(std::string_view text) {
  if (text.starts_with("$argon2id$")) {
    return Error{
        "is made with argon2id, which is not read here; make it anew with `mosquitto_passwd -H "
        "sha512-pbkdf2 FILE USER`"};
  }
  PasswordHash entry;
  if (take(text, kScramStart)) {
    if (read_scram(text, entry)) return entry;
    return Error{"is not `user:SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`, with " +
                 std::to_string(kScramIterationsMin) + " iterations or more and a salt of up to " +
                 std::to_string(kScramSaltMax) +
                 " bytes; make it with `tandemqctl passwd --scram FILE USER`"};
  }
  const bool iterates = take(text, "$7$");
  if ((iterates || take(text, "$6$")) && read_mosquitto(text, iterates, entry)) return entry;
  return Error{
      "is none of `user:$7$iterations$salt$hash`, `user:$6$salt$hash` and "
      "`user:SCRAM-SHA-256$...`; "
      "make it with `mosquitto_passwd FILE USER` or `tandemqctl passwd FILE USER`"};
}

PasswordHash PasswordFile::hash_of_nobody() {
  return {kIterationsDefault, "nobody", std::string(kHashSize, '\0')};
}

PasswordHash PasswordFile::hash_of_nobody_like(PasswordHash entry) {
  entry.salt = "nobody";
  entry.hash.assign(entry.hash.size(), '\0');
  return entry;
}

Result<PasswordFile> PasswordFile::parse(std::string_view text, const std::string& path) {
  PasswordFile file;
  file.checksum_ = crc32c(text);
  text = without_byte_order_mark(text);
  file.of_nobody_ = hash_of_nobody();
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = take_until(text, '\n');
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const std::string user(take_until(line, ':'));
    Result<PasswordHash> entry = parse_entry(line);
    if (user.empty() || !entry) {
      return Error{path + ":" + std::to_string(number) + ": the line " +
                       (user.empty() ? "names no user; remove it" : entry.error().message),
                   kExitConfiguration};
    }
    file.of_nobody_ = hash_of_nobody_like(*entry);
    if (entry->is_scram()) file.scram_iterations_ = entry->iterations;
    file.users_[user] = *entry;
  }
  return file;
}

Result<PasswordFile> PasswordFile::load(const std::string& path) {
  const Result<std::string> text = read_text_file(path);
  if (!text) {
    return Error{"auth.password_file " + path + " cannot be read: " + text.error().message +
                     "; make it with `mosquitto_passwd -c FILE USER` and let the broker read it",
                 kExitConfiguration};
  }
  return parse(*text, path);
}

const PasswordHash* PasswordFile::find(std::string_view user) const {
  const auto found = users_.find(user);
  return found == users_.end() ? nullptr : &found->second;
}

bool PasswordHash::matches(std::string_view password) const {
  const std::string own = is_scram() ? scram_verifier(password, salt, iterations).stored_key
                                     : hash_password(password, salt, iterations);
  return CRYPTO_memcmp(own.data(), hash.data(), own.size()) == 0;
}

}  // namespace tandemq::broker
