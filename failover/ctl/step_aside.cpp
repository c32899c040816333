#include "failover/ctl/step_aside.h"

#include <nlohmann/json.hpp>

namespace tandemq::failover {

AsideVerdict judge_step_aside(const nlohmann::json& broker) {
  if (broker.value("single", false)) {
    return {Aside::is_aside,
            "this node is by itself: its clients wait until it has started again, and find what "
            "was acknowledged"};
  }
  if (broker.value("role", "") != "primary") return {Aside::is_aside, "this node does not serve"};
  if (broker.value("pair_state", "") == "paired") return {Aside::hands_over, "the peer takes over"};
  return {Aside::must_stay,
          "this node is primary and its peer could not take over (" +
              broker.value("reason", "no reason is known") +
              "): until it had started again nobody would serve. Wait until tandemqctl status says "
              "that all is well"};
}

}  // namespace tandemq::failover
