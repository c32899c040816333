// The broker's status object of docs/control-protocol.md as what decisions need.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "failover/core/facts.h"

namespace tandemq::failover {

// Missing or mistyped members keep their defaults; an unknown role reads as fenced.
BrokerStatus parse_status(const nlohmann::json& status);
// Of the files that should be equal on both nodes; empty where it tells none.
std::map<std::string, std::string> checksums_of(const nlohmann::json& status);

Role role_from(const std::string& name);
PairState pair_state_from(const std::string& name);

}  // namespace tandemq::failover
