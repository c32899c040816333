#include "broker/access/token.h"

#include <openssl/err.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "broker/access/base64url.h"

namespace tandemq::broker {
namespace {

using nlohmann::json;

struct TokenParts {
  std::string_view signed_text;  // header and payload as they stand there
  json header;
  std::string payload, signature;
};

std::optional<TokenParts> take_apart(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (first == last || token.find('.', first + 1) != last) return {};
  std::optional<std::string> header = from_base64url(token.substr(0, first));
  std::optional<std::string> payload = from_base64url(token.substr(first + 1, last - first - 1));
  std::optional<std::string> signature = from_base64url(token.substr(last + 1));
  if (!header || !payload || !signature) return {};
  TokenParts parts{token.substr(0, last), json::parse(*header, nullptr, false), std::move(*payload),
                   std::move(*signature)};
  return parts.header.is_object() ? std::optional(std::move(parts)) : std::nullopt;
}

std::string header_text(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// By its identifier, else the first that verifies. What the header says of the algorithm only
// excludes keys: each has its own.
Refusal find_key(const TokenParts& parts, const KeySet& keys, std::string& fingerprint) {
  const std::string algorithm = header_text(parts.header, "alg");
  const std::string id = header_text(parts.header, "kid");
  bool known = false, fits = false;
  for (const VerifyKey& key : keys.keys()) {
    if (!id.empty() && key.id != id) continue;
    known = true;
    if (key.algorithm() != algorithm) continue;
    fits = true;
    if (!key.verifies(parts.signed_text, parts.signature)) continue;
    fingerprint = key.fingerprint();
    return nullptr;
  }
  ERR_clear_error();
  if (!known) return "the token names a key that is not in jwt_jwks_file";
  return fits ? "the token's signature is wrong"
              : "the token's algorithm is not that of its key, or not known";
}

}  // namespace

bool looks_like_token(std::string_view text) {
  return text.starts_with("ey") && std::count(text.begin(), text.end(), '.') == 2;
}

Refusal check_token(std::string_view token, const KeySet& keys, const TokenSection& rules,
                    std::int64_t now_s, Claims& out) {
  if (token.size() > kTokenBytesMax) return "the token is longer than 16 KiB";
  const std::optional<TokenParts> parts = take_apart(token);
  if (!parts) return "the password is no token";
  if (parts->header.contains("crit")) return "the token demands what is not known here (crit)";
  if (Refusal wrong = find_key(*parts, keys, out.key)) return wrong;
  return judge_claims(parts->payload, rules, now_s, out);
}

}  // namespace tandemq::broker
