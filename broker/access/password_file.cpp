#include "broker/access/password_file.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <charconv>

#include "broker/base/crc32c.h"
#include "broker/base/exit_code.h"
#include "broker/support/text_file.h"

namespace tandemq::broker {
namespace {

constexpr std::size_t kHashSize = 64;  // SHA-512
constexpr int kIterationsMax = 10'000'000;
constexpr int kIterationsDefault = 101;  // mosquitto_passwd's default

// Empty when `text` is not base64.
std::string from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return {};
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return {};
  out.resize(static_cast<std::size_t>(size));
  for (std::size_t i = text.size(); i > 0 && text[i - 1] == '='; --i) out.pop_back();
  return out;
}

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

}  // namespace

Result<PasswordHash> PasswordFile::parse_entry(std::string_view text) {
  const Error wrong{
      "is not `user:$7$iterations$salt$hash` or `user:$6$salt$hash`; make it with "
      "`mosquitto_passwd FILE USER`"};
  PasswordHash entry;
  if (text.substr(0, 3) == "$7$") {
    text.remove_prefix(3);
    const std::string_view digits = take_until(text, '$');
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), entry.iterations);
    const bool whole = error == std::errc{} && end == digits.data() + digits.size();
    if (!whole || entry.iterations < 1 || entry.iterations > kIterationsMax) return wrong;
  } else if (text.substr(0, 3) == "$6$") {
    text.remove_prefix(3);
  } else if (text.starts_with("$argon2id$")) {
    return Error{
        "is made with argon2id, which is not read here; make it anew with `mosquitto_passwd -H "
        "sha512-pbkdf2 FILE USER`"};
  } else {
    return wrong;
  }
  entry.salt = from_base64(take_until(text, '$'));
  entry.hash = from_base64(text);
  if (entry.salt.empty() || entry.hash.size() != kHashSize) return wrong;
  return entry;
}

PasswordHash PasswordFile::hash_of_nobody() {
  return {kIterationsDefault, "nobody", std::string(kHashSize, '\0')};
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
    file.of_nobody_.iterations = entry->iterations;
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
  const std::string own = hash_password(password, salt, iterations);
  return CRYPTO_memcmp(own.data(), hash.data(), kHashSize) == 0;
}

}  // namespace tandemq::broker
