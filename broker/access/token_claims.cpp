#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "broker/access/token.h"

namespace tandemq::broker {
namespace {

using nlohmann::json;

constexpr double kLastsMax = 315'360'000;  // ten years: longer is without end
constexpr std::size_t kUserBytesMax = 1'024;

// None: it is not there. A time that is no number counts as one that is over, or is still to come.
std::optional<double> time_of(const json& claims, const char* name, double otherwise) {
  const auto found = claims.find(name);
  if (found == claims.end()) return {};
  return found->is_number() ? found->get<double>() : otherwise;
}

Refusal judge_times(const json& claims, const TokenSection& rules, std::int64_t now_s,
                    Claims& out) {
  const auto now = static_cast<double>(now_s);
  const double leeway = rules.leeway_s;
  const std::optional<double> end = time_of(claims, "exp", 0);
  const std::optional<double> begin = time_of(claims, "nbf", now + leeway + 1);
  if (!end && rules.require_exp) return "the token has no end (exp)";
  if (begin && *begin > now + leeway) return "the token is not good yet (nbf)";
  if (!end) return nullptr;
  const double left = *end + leeway - now;
  if (left <= 0) return "the token has expired";
  if (left <= kLastsMax) out.lasts_s = std::max(1u, static_cast<std::uint32_t>(left));
  return nullptr;
}

bool is_one_of(const json& value, const std::vector<std::string>& all) {
  return value.is_string() &&
         std::find(all.begin(), all.end(), value.get_ref<const std::string&>()) != all.end();
}

// RFC 7519 section 4.1.3: who is not named must refuse it, whether he knows his name or not.
bool is_for_us(const json& claims, const std::vector<std::string>& names) {
  const auto audience = claims.find("aud");
  if (audience == claims.end()) return names.empty();
  if (!audience->is_array()) return is_one_of(*audience, names);
  return std::any_of(audience->begin(), audience->end(),
                     [&](const json& one) { return is_one_of(one, names); });
}

bool is_good_name(const std::string& name) {
  return !name.empty() && name.size() <= kUserBytesMax &&
         std::none_of(name.begin(), name.end(), [](char c) { return c >= 0 && c < ' '; });
}

Refusal judge_rights(const json& claims, const TokenSection& rules, Claims& out) {
  if (rules.rights_claim.empty()) return nullptr;
  const auto claim = claims.find(rules.rights_claim);
  return read_rights(claim != claims.end() ? *claim : json::array(), out);
}

}  // namespace

Refusal judge_claims(std::string_view payload, const TokenSection& rules, std::int64_t now_s,
                     Claims& out) {
  const json claims = json::parse(payload, nullptr, false);
  if (!claims.is_object()) return "the token's payload is no JSON object";
  if (Refusal wrong = judge_times(claims, rules, now_s, out)) return wrong;
  const auto issuer = claims.find("iss");
  if (!rules.issuer.empty() && (issuer == claims.end() || *issuer != rules.issuer)) {
    return "the token is of another issuer (jwt_issuer)";
  }
  if (!is_for_us(claims, rules.audience)) return "the token is for others (jwt_audience)";
  const auto name = claims.find(rules.username_claim);
  if (name == claims.end() || !name->is_string()) {
    return "the token names no user (jwt_username_claim)";
  }
  out.username = name->get<std::string>();
  if (!is_good_name(out.username)) return "the token's user is no user name";
  return judge_rights(claims, rules, out);
}

}  // namespace tandemq::broker
