// What at least one of several rights allows: of a client of which it is not known which listener
// it came in by.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "broker/core/grants.h"

namespace tandemq::broker {

class AnyGrants final : public core::Grants {
 public:
  explicit AnyGrants(std::vector<core::GrantsRef> each) : each_(std::move(each)) {}

  bool may_publish(std::string_view topic) const override {
    return any([&](const core::Grants& one) { return one.may_publish(topic); });
  }
  bool may_subscribe(std::string_view filter) const override {
    return any([&](const core::Grants& one) { return one.may_subscribe(filter); });
  }

 private:
  bool may_receive_one(std::string_view topic) const override {
    return any([&](const core::Grants& one) { return one.may_receive(topic); });
  }
  template <class Asks>
  bool any(Asks asks) const {
    return std::any_of(each_.begin(), each_.end(),
                       [&](const core::GrantsRef& one) { return asks(*one); });
  }

  std::vector<core::GrantsRef> each_;
};

// `each` is not empty and holds no null.
inline core::GrantsRef any_of(std::vector<core::GrantsRef> each) {
  if (each.size() == 1) return std::move(each.front());
  return std::make_shared<AnyGrants>(std::move(each));
}

}  // namespace tandemq::broker
