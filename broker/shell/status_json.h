// NodeStatus as the `status` object of docs/control-protocol.md.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "broker/shell/node_status.h"

namespace tandemq::broker {

// Without the certificates: of those there may be hundreds, and who watches bounds its lines.
nlohmann::json to_json(const NodeStatus& status);
nlohmann::json to_json(const std::vector<CertificateUse>& certificates);

}  // namespace tandemq::broker
