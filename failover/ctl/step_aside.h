// Whether the broker of this node can be stopped so that clients do not wait for it (tandemqctl
// step-aside). Pure: the broker's status in, a verdict out.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tandemq::failover {

enum class Aside : std::uint8_t {
  is_aside,    // it can be stopped as it is
  hands_over,  // it can once it has handed over, which the agent does
  must_stay,   // nobody could take its place
};

struct AsideVerdict {
  Aside what;
  std::string why;
};

AsideVerdict judge_step_aside(const nlohmann::json& broker);

}  // namespace tandemq::failover
