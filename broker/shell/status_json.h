// NodeStatus as the `status` object of docs/control-protocol.md.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "broker/shell/node_status.h"

namespace tandemq::broker {

nlohmann::json to_json(const NodeStatus& status);

}  // namespace tandemq::broker
