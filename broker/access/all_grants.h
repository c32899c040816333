// What each of several rights allows: of a client of which it is not known any more which rules
// hold for it.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "broker/core/grants.h"

namespace tandemq::broker {

class AllGrants final : public core::Grants {
 public:
  explicit AllGrants(std::vector<core::GrantsRef> each) : each_(std::move(each)) {}

  bool may_publish(std::string_view topic) const override {
    return all([&](const core::Grants& one) { return one.may_publish(topic); });
  }
  bool may_subscribe(std::string_view filter) const override {
    return all([&](const core::Grants& one) { return one.may_subscribe(filter); });
  }

 private:
  bool may_receive_one(std::string_view topic) const override {
    return all([&](const core::Grants& one) { return one.may_receive(topic); });
  }
  template <class Asks>
  bool all(Asks asks) const {
    return std::all_of(each_.begin(), each_.end(),
                       [&](const core::GrantsRef& one) { return asks(*one); });
  }

  std::vector<core::GrantsRef> each_;
};

// `each` holds no null; empty: all is allowed.
inline core::GrantsRef all_of(std::vector<core::GrantsRef> each) {
  if (each.empty()) return nullptr;
  if (each.size() == 1) return std::move(each.front());
  return std::make_shared<AllGrants>(std::move(each));
}

}  // namespace tandemq::broker
