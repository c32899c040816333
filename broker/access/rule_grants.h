// The rights that ACL rules give one client.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

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
  // The user's rules (null: none), shared by all clients of that name, and what the patterns come
  // to for this client.
  RuleGrants(std::shared_ptr<const AclRules> users, AclRules own);

  bool may_publish(std::string_view topic) const override;
  bool may_subscribe(std::string_view filter) const override;

 private:
  bool may_receive_one(std::string_view topic) const override;
  bool allows(AclRule::Access access, std::string_view topic) const;
  // True when call(rule) is for one of the rules.
  template <class Call>
  bool any_rule(Call call) const {
    for (const AclRule& rule : *users_)
      if (call(rule)) return true;
    for (const AclRule& rule : own_)
      if (call(rule)) return true;
    return false;
  }

  std::shared_ptr<const AclRules> users_;
  AclRules own_;
};

}  // namespace tandemq::broker
