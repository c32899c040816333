#include "broker/access/claims.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace tandemq::broker {
namespace {

using nlohmann::json;

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

std::optional<std::vector<std::string>> lines_of(const json& said) {
  std::vector<std::string> lines;
  if (said.is_array()) {
    for (const json& one : said) {
      if (!one.is_string()) return {};
      lines.push_back(one.get<std::string>());
    }
    return lines;
  }
  if (!said.is_object()) return {};
  for (const auto& [name, filters] : said.items()) {
    const char* access = name == "sub" ? "read" : name == "pub" ? "write" : nullptr;
    if (!access || !add_lines(filters, access, lines)) return {};
  }
  return lines;
}

}  // namespace

Refusal read_rights(const json& said, Claims& out) {
  const Refusal wrong = "its rights are neither ACL lines nor lists sub and pub of filters";
  const std::optional<std::vector<std::string>> lines = lines_of(said);
  if (!lines) return wrong;
  if (lines->size() > kRightsMax) return "it has more than 256 rights";
  Result<Acl> rights = Acl::of_user(out.username, *lines);
  if (!rights) return wrong;
  out.rights = std::make_shared<const Acl>(std::move(rights).value());
  return nullptr;
}

}  // namespace tandemq::broker
