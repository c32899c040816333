#include "broker/access/acl.h"

#include "broker/access/acl_text.h"
#include "broker/access/rule_grants.h"
#include "broker/base/crc32c.h"
#include "broker/base/exit_code.h"
#include "broker/mqtt/topic.h"
#include "broker/support/text_file.h"

namespace tandemq::broker {
namespace {

std::string_view take_word(std::string_view& text) {
  const std::size_t end = text.find_first_of(" \t");
  const std::string_view word = text.substr(0, end);
  text = end == text.npos ? std::string_view{} : trim(text.substr(end));
  return word;
}

// Where %c or %u stands: empty when a name would change the filter's meaning, or there is none.
std::string fill_in(std::string_view pattern, std::string_view client, std::string_view user,
                    const char* forbidden) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const std::string_view two = pattern.substr(i, 2);
    if (two != "%c" && two != "%u") {
      out += pattern[i];
      continue;
    }
    const std::string_view name = two == "%c" ? client : user;
    if (name.empty() || name.find_first_of(forbidden) != name.npos) return {};
    if (out.empty() && name.front() == '$') return {};  // the broker's own topics
    out += name;
    ++i;
  }
  return out;
}

bool has_placeholder(std::string_view pattern) {
  return pattern.find("%c") != pattern.npos || pattern.find("%u") != pattern.npos;
}

// The pattern for every name: what is denied to a client whose name cannot be filled in.
std::string for_any_name(std::string_view pattern) {
  std::string out;
  while (true) {
    const std::size_t end = pattern.find('/');
    const std::string_view level = pattern.substr(0, end);
    out += has_placeholder(level) ? "+" : level;
    if (end == pattern.npos) return out;
    out += '/';
    pattern.remove_prefix(end + 1);
  }
}

}  // namespace

AclRules& Acl::rules_of(const std::string& user) {
  auto& rules = users_[user];
  if (!rules) rules = std::make_shared<AclRules>();
  return *rules;
}

Status Acl::parse_line(std::string_view line, std::string& user) {
  const std::string_view keyword = take_word(line);
  if (keyword == "user") {
    if (line.empty()) return Error{"names no user; write `user NAME`"};
    user = line;
    rules_of(user);
    return Done{};
  }
  if (keyword != "topic" && keyword != "pattern") {
    return Error{"begins with '" + std::string(keyword) + "'; write topic, user or pattern"};
  }
  AclRule rule;
  std::string_view rest = line;
  const std::string_view access = take_word(rest);
  if (!rest.empty()) {
    if (access == "read") rule.access = AclRule::kRead;
    if (access == "write") rule.access = AclRule::kWrite;
    if (access == "deny") rule.access = AclRule::kDeny;
    if (access == "read" || access == "write" || access == "deny" || access == "readwrite") {
      line = rest;
    }
  }
  if (!mqtt::valid_topic_filter(line)) {
    return Error{"has '" + std::string(line) +
                 "', which is no topic filter; write `topic [read|write|readwrite|deny] FILTER`"};
  }
  rule.filter = line;
  const bool is_pattern = keyword == "pattern";
  if (is_pattern && !rule.denies() && !has_placeholder(rule.filter)) {
    doubts_.push_back("pattern `" + rule.filter +
                      "` has neither %c nor %u and holds for everybody, whichever `user` it "
                      "stands below; for one user write `topic`");
  }
  (is_pattern ? patterns_ : rules_of(user)).push_back(std::move(rule));
  return Done{};
}

Result<Acl> Acl::parse(std::string_view text, const std::string& path) {
  Acl acl;
  acl.checksum_ = crc32c(text);
  text = without_byte_order_mark(text);
  std::string user;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t doubts = acl.doubts_.size();
    Status parsed = acl.parse_line(line, user);
    if (!parsed) {
      return Error{path + ":" + std::to_string(number) + ": the line " + parsed.error().message,
                   kExitConfiguration};
    }
    if (acl.doubts_.size() > doubts) {
      acl.doubts_.back() = path + ":" + std::to_string(number) + ": the " + acl.doubts_.back();
    }
  }
  return acl;
}

Result<Acl> Acl::of_user(const std::string& user, const std::vector<std::string>& lines) {
  Acl acl;
  for (const std::string& line : lines) {
    std::string whose = user;
    Status parsed = acl.parse_line(trim(line), whose);
    if (!parsed) return parsed.error();
    if (whose != user) return Error{"names a user"};
  }
  return acl;
}

Result<Acl> Acl::load(const std::string& path) {
  const Result<std::string> text = read_text_file(path);
  if (!text) {
    return Error{"auth.acl_file " + path + " cannot be read: " + text.error().message +
                     "; create it and let the broker's user read it",
                 kExitConfiguration};
  }
  return parse(*text, path);
}

void Acl::add_grants(std::string_view client_id, std::string_view username, bool names_with_slash,
                     std::string_view section, std::vector<std::shared_ptr<const AclRules>>& shared,
                     AclRules& own) const {
  for (const AclRule& pattern : patterns_) {
    // A rule that cannot be applied opens nothing: what it would deny is denied for every name.
    const bool slash = names_with_slash || pattern.denies();
    std::string filter = fill_in(pattern.filter, client_id, username, slash ? "+#" : "+#/");
    if (filter.empty() && pattern.denies()) filter = for_any_name(pattern.filter);
    if (!filter.empty()) own.push_back({pattern.access, std::move(filter)});
  }
  const auto user = users_.find(section);
  if (user != users_.end()) shared.push_back(user->second);
}

core::GrantsRef Acl::grants(std::string_view client_id, std::string_view username,
                            bool names_with_slash, std::string_view section) const {
  RuleGrants::Shared shared;
  AclRules own;
  add_grants(client_id, username, names_with_slash, section, shared, own);
  return std::make_shared<RuleGrants>(std::move(shared), std::move(own));
}

}  // namespace tandemq::broker
