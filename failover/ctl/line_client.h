// One question to a control socket (docs/control-protocol.md), for a program that may wait.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "broker/base/result.h"

namespace tandemq::failover {

// Error codes of ask(), which are exit codes of tandemqctl.
constexpr int kRefused = 1;      // the daemon answered no
constexpr int kUnreachable = 3;  // nobody answered

// Sends `request` and waits for its answer, timeout_ms in all. An answer with ok=false is an error
// that carries the daemon's sentence.
Result<nlohmann::json> ask(const std::string& socket_path, const nlohmann::json& request,
                           int timeout_ms);

}  // namespace tandemq::failover
