#include "broker/shell/control_accounts.h"

#include <nlohmann/json.hpp>
#include <string>

namespace tandemq::broker {
namespace {

using core::AccountKind;
using core::AccountOrder;
using nlohmann::json;
using What = AccountOrder::What;

constexpr std::size_t kPageBytes = 32 << 10;  // of names, about

constexpr std::pair<const char*, What> kVerbs[] = {
    {"add", What::add},       {"remove", What::remove},   {"password", What::password},
    {"enable", What::enable}, {"disable", What::disable}, {"grant", What::grant},
    {"revoke", What::revoke}};

Result<AccountKind> kind_of(const json& request) {
  const std::string kind = request.value("kind", "");
  if (kind == "user") return AccountKind::user;
  if (kind == "role") return AccountKind::role;
  return Error{"kind '" + kind + "' is neither user nor role"};
}

json summary_of(AccountKind kind, const std::string& name, const core::Account& account) {
  json out{{"name", name}};
  if (kind == AccountKind::role) {
    out["rules"] = account.lines.size();
    return out;
  }
  out["enabled"] = account.enabled;
  out["has_password"] = !account.password.empty();
  out["roles"] = account.lines;
  return out;
}

std::size_t bytes_of(const std::string& name, const core::Account& account) {
  std::size_t bytes = name.size();
  for (const std::string& line : account.lines) bytes += line.size();
  return bytes;
}

}  // namespace

Result<AccountOrder> account_order_of(const json& request) {
  const Result<AccountKind> kind = kind_of(request);
  if (!kind) return kind.error();
  AccountOrder order;
  order.kind = *kind;
  order.name = request.value("name", "");
  order.password = request.value("password", "");
  order.lines = request.value("lines", std::vector<std::string>());
  const std::string wanted = request.value("do", "");
  for (const auto& [verb, what] : kVerbs) {
    if (wanted != verb) continue;
    const bool for_users = what == What::password || what == What::enable || what == What::disable;
    if (for_users && order.kind == AccountKind::role) break;
    order.what = what;
    return order;
  }
  return Error{"'" + wanted + "' is nothing to be done with a " + request.value("kind", "")};
}

Result<json> accounts_asked_for(const core::Accounts& all, const json& request) {
  const Result<AccountKind> kind = kind_of(request);
  if (!kind) return kind.error();
  const core::Accounts::Named& named = all.of(*kind);
  json out{{"accounts", json::array()}, {"total", named.size()}, {"more", false}};
  if (const std::string name = request.value("name", ""); !name.empty()) {
    const auto found = named.find(name);
    if (found == named.end())
      return Error{"there is no " + request.value("kind", "") + " '" + name + "'"};
    json one = summary_of(*kind, name, found->second);
    if (*kind == AccountKind::role) one["rules"] = found->second.lines;
    out["accounts"].push_back(std::move(one));
    return out;
  }
  std::size_t bytes = 0;
  for (auto at = named.upper_bound(request.value("after", "")); at != named.end(); ++at) {
    bytes += *kind == AccountKind::user ? bytes_of(at->first, at->second) : at->first.size();
    if (bytes > kPageBytes && !out["accounts"].empty()) {
      out["more"] = true;
      break;
    }
    out["accounts"].push_back(summary_of(*kind, at->first, at->second));
  }
  return out;
}

}  // namespace tandemq::broker
