#include "broker/access/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/access/base64.h"
#include "broker/access/secret.h"
#include "broker/access/sha256.h"

namespace tandemq::broker {
namespace {

static_assert(kScramKeySize == SHA256_DIGEST_LENGTH);
constexpr std::size_t kMadeUpSaltSize = 16;  // as `tandemqctl passwd` makes them

std::string hmac(std::string_view key, std::string_view text) {
  std::string out(kScramKeySize, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

// Printable but the comma, which ends an attribute (RFC 5802 section 7: printable).
bool is_nonce(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c > ' ' && c < '\x7f' && c != ','; });
}

// saslname: the comma is =2C there, and = is =3D.
std::optional<std::string> read_name(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const bool escaped = text.front() == '=';
    if (escaped && !text.starts_with("=2C") && !text.starts_with("=3D")) return {};
    out += !escaped ? text.front() : text[1] == '2' ? ',' : '=';
    text.remove_prefix(escaped ? 3 : 1);
  }
  return out;
}

// Takes the next attribute off `text`, which is empty after the last; empty when there is none.
std::string_view next_attribute(std::string_view& text) {
  const std::size_t comma = std::min(text.find(','), text.size());
  const std::string_view one = text.substr(0, comma);
  text.remove_prefix(std::min(comma + 1, text.size()));
  return one;
}

// Takes `NAME=` off an attribute, whose value is not to be empty.
bool take_name(std::string_view& attribute, char name) {
  if (attribute.size() < 3 || attribute[0] != name || attribute[1] != '=') return false;
  attribute.remove_prefix(2);
  return true;
}

constexpr Refusal kNotScram = "what it sent is no message of SCRAM";
constexpr Refusal kExtension = "it demands an extension of SCRAM, and none is known here";

// Extensions that nobody has to know are passed over.
Refusal read_extensions(std::string_view text) {
  while (!text.empty()) {
    const std::string_view one = next_attribute(text);
    if (one.starts_with("m=")) return kExtension;
    if (one.size() < 3 || one[1] != '=') return kNotScram;
  }
  return nullptr;
}

// gs2-header: whether it binds the channel, and as whom it wants to act.
Refusal read_header(std::string_view header, std::string& acts_as) {
  const std::string_view binding = next_attribute(header);
  if (binding.starts_with("p=")) return "channel binding is not offered here";
  // y: the client could, and knows that we do not.
  if (binding != "n" && binding != "y") return kNotScram;
  std::string_view other = next_attribute(header);
  if (other.empty()) return nullptr;
  const std::optional<std::string> name = take_name(other, 'a') ? read_name(other) : std::nullopt;
  if (!name) return kNotScram;
  acts_as = *name;
  return nullptr;
}

Refusal read_bare(std::string_view bare, ScramFirst& out) {
  if (bare.ends_with(',')) return kNotScram;
  std::string_view name = next_attribute(bare), nonce = next_attribute(bare);
  if (name.starts_with("m=")) return kExtension;
  if (!take_name(name, 'n') || !take_name(nonce, 'r') || !is_nonce(nonce)) return kNotScram;
  if (nonce.size() > kScramClientNonceMax) return "its nonce is longer than 256 bytes";
  const std::optional<std::string> user = read_name(name);
  if (!user) return kNotScram;
  if (!is_scram_text(*user)) return "SCRAM takes names of printable ASCII alone";
  out.user = *user;
  out.nonce = nonce;
  return read_extensions(bare);
}

}  // namespace

bool is_scram_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
}

ScramVerifier scram_verifier(std::string_view password, std::string salt, int iterations) {
  std::string key(kScramKeySize, '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                    reinterpret_cast<const unsigned char*>(salt.data()),
                    static_cast<int>(salt.size()), iterations, EVP_sha256(),
                    static_cast<int>(kScramKeySize), reinterpret_cast<unsigned char*>(key.data()));
  const Secret salted(std::move(key));
  const Secret client(hmac(salted.text(), "Client Key"));
  return {iterations, std::move(salt), sha256(client.text()), hmac(salted.text(), "Server Key")};
}

ScramVerifier scram_verifier_of_nobody(std::string_view user, std::string_view secret,
                                       int iterations) {
  const std::string name(user);
  return {iterations, hmac(secret, "SCRAM salt of " + name).substr(0, kMadeUpSaltSize),
          hmac(secret, "SCRAM key of " + name), std::string(kScramKeySize, '\0')};
}

Refusal read_scram_first(std::string_view message, ScramFirst& out) {
  if (message.size() > kScramMessageMax) return "its message of SCRAM is longer than 2 KiB";
  const std::size_t first = message.find(',');
  const std::size_t second = first == message.npos ? first : message.find(',', first + 1);
  if (second == message.npos) return kNotScram;
  ScramFirst read;
  read.header = message.substr(0, second + 1);
  read.bare = message.substr(second + 1);
  std::string acts_as;
  if (Refusal refused = read_header(read.header, acts_as)) return refused;
  if (Refusal refused = read_bare(read.bare, read)) return refused;
  if (!acts_as.empty() && acts_as != read.user) return "it wants to act as another user";
  out = std::move(read);
  return nullptr;
}

ScramServer::ScramServer(ScramFirst first, std::string_view nonce, ScramVerifier verifier)
    : first_(std::move(first)), nonce_(first_.nonce + std::string(nonce)), verifier_(verifier) {
  challenge_ = "r=" + nonce_ + ",s=" + to_base64(verifier_.salt) +
               ",i=" + std::to_string(verifier_.iterations);
}

Refusal ScramServer::check(std::string_view message) {
  if (message.size() > kScramMessageMax) return "its message of SCRAM is longer than 2 KiB";
  const std::size_t at = message.rfind(",p=");
  if (at == message.npos || message.substr(0, at).ends_with(',')) return kNotScram;
  const std::optional<std::string> proof = from_base64(message.substr(at + 3));
  std::string_view rest = message.substr(0, at);
  const std::string exchanged = first_.bare + "," + challenge_ + "," + std::string(rest);
  std::string_view binding = next_attribute(rest), nonce = next_attribute(rest);
  if (binding.starts_with("m=")) return kExtension;
  if (!take_name(binding, 'c') || !take_name(nonce, 'r') || !proof ||
      proof->size() != kScramKeySize)
    return kNotScram;
  if (Refusal refused = read_extensions(rest)) return refused;
  if (binding != to_base64(first_.header)) return "its channel binding is not that of before";
  if (nonce != nonce_) return "its nonce is not that of this exchange";
  std::string key = hmac(verifier_.stored_key, exchanged);
  for (std::size_t i = 0; i < kScramKeySize; ++i)
    key[i] = static_cast<char>(static_cast<unsigned char>(key[i]) ^
                               static_cast<unsigned char>((*proof)[i]));
  const Secret client(std::move(key));
  const std::string shown = sha256(client.text());
  if (CRYPTO_memcmp(shown.data(), verifier_.stored_key.data(), kScramKeySize) != 0)
    return "the password is another one";
  exchanged_ = exchanged;
  return nullptr;
}

std::string ScramServer::signature() const {
  return "v=" + to_base64(hmac(verifier_.server_key, exchanged_));
}

}  // namespace tandemq::broker
