#include "broker/access/runtime_users.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "broker/access/acl_text.h"
#include "broker/access/rule_grants.h"

namespace tandemq::broker {
namespace {

using What = core::AccountOrder::What;

bool is_access(std::string_view word) {
  return word == "read" || word == "write" || word == "readwrite" || word == "deny";
}

// "topic  read\ta/b " and "topic read a/b" are the same rule; the spaces in a filter are its own.
std::string with_single_spaces(std::string_view rule) {
  std::string out;
  for (rule = trim(rule); !rule.empty();) {
    const std::string_view word = rule.substr(0, rule.find_first_of(" \t"));
    const bool is_filter = !out.empty() && !is_access(word);
    const std::string_view next = is_filter ? rule : word;
    out.append(out.empty() ? "" : " ").append(next);
    rule = trim(rule.substr(next.size()));
  }
  return out;
}

Status read_rule(std::string& rule) {
  const std::string wrong = "the rule `" + rule + "` ";
  rule = with_single_spaces(rule);
  if (rule.find('\n') != rule.npos)
    return Error{wrong + "is more than one line; give each by itself"};
  if (!rule.starts_with("topic ") && !rule.starts_with("pattern ")) {
    return Error{wrong +
                 "does not begin with topic or pattern; write `topic "
                 "[read|write|readwrite|deny] FILTER`"};
  }
  const Result<Acl> parsed = Acl::of_user("", {rule});
  return parsed ? Status(Done{}) : Status(Error{wrong + parsed.error().message});
}

}  // namespace

Status RuntimeUsers::read(core::AccountOrder& order) {
  if (!order.password.empty()) {
    const Result<PasswordHash> entry = PasswordFile::parse_entry(order.password);
    if (!entry) return Error{"the password's entry " + entry.error().message};
  }
  if (order.what == What::password && order.password.empty())
    return Error{"no password is given; disable the user to keep it out"};
  if (order.kind != core::AccountKind::role) return Done{};
  for (std::string& rule : order.lines) {
    if (Status sound = read_rule(rule); !sound) return sound;
  }
  return Done{};
}

const core::Account* RuntimeUsers::find(std::string_view name) const {
  if (!kept_) return nullptr;
  const auto found = kept_->users.find(name);
  return found == kept_->users.end() ? nullptr : &found->second;
}

std::optional<PasswordHash> RuntimeUsers::password_of(std::string_view name) const {
  const core::Account* user = find(name);
  if (!user || !user->enabled) return std::nullopt;
  Result<PasswordHash> entry = PasswordFile::parse_entry(user->password);
  return entry ? std::optional(std::move(entry).value()) : std::nullopt;
}

PasswordHash RuntimeUsers::of_nobody() const {
  static const core::Accounts::Named nobody;
  for (const auto& [name, user] : kept_ ? kept_->users : nobody) {
    if (user.password.empty()) continue;
    if (Result<PasswordHash> entry = PasswordFile::parse_entry(user.password))
      return PasswordFile::hash_of_nobody_like(std::move(entry).value());
  }
  return PasswordFile::hash_of_nobody();
}

core::GrantsRef RuntimeUsers::grants(const core::Account& user, std::string_view client_id,
                                     std::string_view username, bool names_with_slash) const {
  if (!user.enabled) return no_grants();
  RuleGrants::Shared shared;
  AclRules own;
  for (const std::string& role : user.lines) {
    const Acl* rules = rules_of(role);
    if (!rules) return no_grants();  // what cannot be read may be what denies
    rules->add_grants(client_id, username, names_with_slash, "", shared, own);
  }
  return std::make_shared<RuleGrants>(std::move(shared), std::move(own));
}

void RuntimeUsers::forget_rules(std::string_view role) {
  if (const auto found = read_.find(role); found != read_.end()) read_.erase(found);
}

const Acl* RuntimeUsers::rules_of(const std::string& role) const {
  const auto [at, is_new] = read_.try_emplace(role);
  if (!is_new) return at->second.get();
  const auto kept = kept_->roles.find(role);
  if (kept == kept_->roles.end()) return nullptr;
  Result<Acl> rules = Acl::of_user("", kept->second.lines);
  if (rules) at->second = std::make_unique<const Acl>(std::move(rules).value());
  return at->second.get();
}

core::GrantsRef no_grants() {
  static const core::GrantsRef nothing =
      std::make_shared<RuleGrants>(RuleGrants::Shared{}, AclRules{});
  return nothing;
}

}  // namespace tandemq::broker
