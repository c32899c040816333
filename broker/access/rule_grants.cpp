#include "broker/access/rule_grants.h"

#include <utility>

#include "broker/mqtt/topic.h"

namespace tandemq::broker {
namespace {

std::string_view take_level(std::string_view& filter, bool& last) {
  const std::size_t slash = filter.find('/');
  const std::string_view level = filter.substr(0, slash);
  last = slash == filter.npos;
  filter = last ? std::string_view{} : filter.substr(slash + 1);
  return level;
}

std::shared_ptr<const AclRules> or_none(std::shared_ptr<const AclRules> rules) {
  static const auto none = std::make_shared<const AclRules>();
  return rules ? std::move(rules) : none;
}

}  // namespace

bool filters_overlap(std::string_view a, std::string_view b) {
  bool a_last = false;
  bool b_last = false;
  for (bool first = true;; first = false) {
    const std::string_view x = take_level(a, a_last);
    const std::string_view y = take_level(b, b_last);
    if (first) {  // a wildcard at the beginning does not match $ topics
      const bool x_wild = x == "#" || x == "+";
      const bool y_wild = y == "#" || y == "+";
      if ((x_wild && y.starts_with('$')) || (y_wild && x.starts_with('$'))) return false;
    }
    if (x == "#" || y == "#") return true;
    if (x != "+" && y != "+" && x != y) return false;
    if (a_last && b_last) return true;
    if (a_last) return b == "#";  // "a" and "a/#"
    if (b_last) return a == "#";
  }
}

RuleGrants::RuleGrants(std::shared_ptr<const AclRules> users, AclRules own)
    : users_(or_none(std::move(users))), own_(std::move(own)) {
  const bool all = any_rule(
      [](const AclRule& rule) { return (rule.access & AclRule::kRead) && rule.filter == "#"; });
  receives_all_ = all && !any_rule([](const AclRule& rule) { return rule.denies(); });
}

bool RuleGrants::allows(AclRule::Access access, std::string_view topic) const {
  bool granted = false;
  const bool denied = any_rule([&](const AclRule& rule) {
    if (!rule.denies() && (granted || !(rule.access & access))) return false;
    if (!mqtt::topic_matches(rule.filter, topic)) return false;
    granted = granted || !rule.denies();
    return rule.denies();
  });
  return granted && !denied;
}

bool RuleGrants::may_publish(std::string_view topic) const {
  return allows(AclRule::kWrite, topic);
}

bool RuleGrants::may_receive_one(std::string_view topic) const {
  return allows(AclRule::kRead, topic);
}

bool RuleGrants::may_subscribe(std::string_view filter) const {
  const std::string_view plain = mqtt::split_shared(filter).filter;
  return any_rule([&](const AclRule& rule) {
    return (rule.access & AclRule::kRead) && filters_overlap(rule.filter, plain);
  });
}

}  // namespace tandemq::broker
