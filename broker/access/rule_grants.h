// The rights that ACL rules give one client.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/access/acl.h"
#include "broker/core/grants.h"

namespace tandemq::broker {

// The filter of the topic names that match both; none when there are none.
std::optional<std::string> filter_intersection(std::string_view a, std::string_view b);
bool filters_overlap(std::string_view a, std::string_view b);
// True when each topic name that matches `narrow` matches `wide`.
bool filter_covers(std::string_view wide, std::string_view narrow);

class RuleGrants final : public core::Grants {
 public:
  using Shared = std::vector<std::shared_ptr<const AclRules>>;
  // Rules that others have too, and what the patterns come to for this client.
  RuleGrants(Shared shared, AclRules own);

  bool may_publish(std::string_view topic) const override;
  bool may_subscribe(std::string_view filter) const override;

 private:
  bool may_receive_one(std::string_view topic) const override;
  bool allows(AclRule::Access access, std::string_view topic) const;
  // True when call(rule) is for one of the rules.
  template <class Call>
  bool any_rule(Call call) const {
    for (const auto& rules : shared_)
      for (const AclRule& rule : *rules)
        if (call(rule)) return true;
    for (const AclRule& rule : own_)
      if (call(rule)) return true;
    return false;
  }

  Shared shared_;
  AclRules own_;
};

}  // namespace tandemq::broker
