// The broker's status object of docs/control-protocol.md as what decisions need.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "failover/core/facts.h"

namespace tandemq::failover {

// Missing or mistyped members keep their defaults; an unknown role reads as fenced.
BrokerStatus parse_status(const nlohmann::json& status);

Role role_from(const std::string& name);
PairState pair_state_from(const std::string& name);

}  // namespace tandemq::failover
