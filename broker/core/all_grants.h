// What each of several rights allows: of a client that several restrict, or of which it is not
// known any more which rules hold for it.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "broker/core/grants.h"

namespace tandemq::core {

class AllGrants final : public Grants {
 public:
  explicit AllGrants(std::vector<GrantsRef> each) : each_(std::move(each)) {}

  bool may_publish(std::string_view topic) const override {
    return all([&](const Grants& one) { return one.may_publish(topic); });
  }
  bool may_subscribe(std::string_view filter) const override {
    return all([&](const Grants& one) { return one.may_subscribe(filter); });
  }

 private:
  bool may_receive_one(std::string_view topic) const override {
    return all([&](const Grants& one) { return one.may_receive(topic); });
  }
  template <class Asks>
  bool all(Asks asks) const {
    return std::all_of(each_.begin(), each_.end(),
                       [&](const GrantsRef& one) { return asks(*one); });
  }

  std::vector<GrantsRef> each_;
};

// `each` holds no null; empty: all is allowed.
inline GrantsRef all_of(std::vector<GrantsRef> each) {
  if (each.empty()) return nullptr;
  if (each.size() == 1) return std::move(each.front());
  return std::make_shared<AllGrants>(std::move(each));
}

// Null: all is allowed.
inline GrantsRef both(GrantsRef one, GrantsRef other) {
  if (!one) return other;
  if (!other) return one;
  return all_of({std::move(one), std::move(other)});
}

}  // namespace tandemq::core
