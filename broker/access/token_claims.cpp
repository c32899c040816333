#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "broker/access/token.h"
#include "broker/mqtt/topic.h"

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

bool add_lines(const json& filters, const char* access, std::vector<std::string>& lines) {
  if (!filters.is_array()) return false;
  return std::all_of(filters.begin(), filters.end(), [&](const json& one) {
    if (!one.is_string()) return false;
    const auto& filter = one.get_ref<const std::string&>();
    const auto lost = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };  // by a line
    if (filter.empty() || lost(filter.front()) || lost(filter.back())) return false;
    const bool is_pattern = filter.find("%c") != filter.npos || filter.find("%u") != filter.npos;
    lines.push_back((is_pattern ? "pattern " : "topic ") + std::string(access) + " " + filter);
    return true;
  });
}

// Lines as an ACL file has them, or lists of filters.
std::optional<std::vector<std::string>> lines_of(const json& claim) {
  std::vector<std::string> lines;
  if (claim.is_array()) {
    for (const json& one : claim) {
      if (!one.is_string()) return {};
      lines.push_back(one.get<std::string>());
    }
    return lines;
  }
  if (!claim.is_object()) return {};
  for (const auto& [name, filters] : claim.items()) {
    const char* access = name == "sub" ? "read" : name == "pub" ? "write" : nullptr;
    if (!access || !add_lines(filters, access, lines)) return {};
  }
  return lines;
}

Refusal judge_rights(const json& claims, const TokenSection& rules, Claims& out) {
  if (rules.rights_claim.empty()) return nullptr;
  std::optional<std::vector<std::string>> lines(std::in_place);
  const auto claim = claims.find(rules.rights_claim);
  if (claim != claims.end()) lines = lines_of(*claim);
  const Refusal wrong = "the token's rights are neither ACL lines nor lists sub and pub of filters";
  if (!lines) return wrong;
  if (lines->size() > kRightsMax) return "the token has more than 256 rights";
  Result<Acl> rights = Acl::of_user(out.username, *lines);
  if (!rights) return wrong;
  out.rights = std::make_shared<const Acl>(std::move(rights).value());
  return nullptr;
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
