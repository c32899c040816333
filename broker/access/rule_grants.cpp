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

bool begins_wild(std::string_view filter) {
  return filter.starts_with('#') || filter.starts_with('+');
}

// A wildcard at the beginning does not match topics that begin with $.
bool part_at_dollar(std::string_view a, std::string_view b) {
  return (begins_wild(a) && b.starts_with('$')) || (begins_wild(b) && a.starts_with('$'));
}

}  // namespace

std::optional<std::string> filter_intersection(std::string_view a, std::string_view b) {
  if (part_at_dollar(a, b)) return {};
  std::string out;
  bool a_last = false;
  bool b_last = false;
  while (true) {
    const std::string_view a_rest = a;
    const std::string_view b_rest = b;
    const std::string_view x = take_level(a, a_last);
    const std::string_view y = take_level(b, b_last);
    if (x == "#") return out.append(b_rest);
    if (y == "#") return out.append(a_rest);
    if (x != "+" && y != "+" && x != y) return {};
    out.append(x == "+" ? y : x);
    if (a_last && b_last) return out;
    if (a_last || b_last) {  // "a" and "a/#" have "a" in common
      if ((a_last ? b : a) == "#") return out;
      return {};
    }
    out += '/';
  }
}

bool filter_covers(std::string_view wide, std::string_view narrow) {
  if (begins_wild(wide) && narrow.starts_with('$')) return false;
  bool wide_last = false;
  bool narrow_last = false;
  while (true) {
    const std::string_view x = take_level(wide, wide_last);
    const std::string_view y = take_level(narrow, narrow_last);
    if (x == "#") return true;
    if (y == "#" || (x != "+" && x != y)) return false;
    if (wide_last) return narrow_last;
    if (narrow_last) return wide == "#";
  }
}

bool filters_overlap(std::string_view a, std::string_view b) {
  return filter_intersection(a, b).has_value();
}

RuleGrants::RuleGrants(Shared shared, AclRules own)
    : shared_(std::move(shared)), own_(std::move(own)) {
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

// Some topic of it is allowed by a rule, and not all that the rule allows of it is denied by
// another. What several deny together counts as allowed: at delivery it is asked anyway.
bool RuleGrants::may_subscribe(std::string_view filter) const {
  const std::string_view plain = mqtt::split_shared(filter).filter;
  return any_rule([&](const AclRule& rule) {
    if (!(rule.access & AclRule::kRead)) return false;
    const std::optional<std::string> common = filter_intersection(rule.filter, plain);
    return common && !any_rule([&](const AclRule& other) {
             return other.denies() && filter_covers(other.filter, *common);
           });
  });
}

}  // namespace tandemq::broker
