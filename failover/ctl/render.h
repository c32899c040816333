// What tandemqctl prints for a person, and what its exit code says. Pure: JSON in, text out.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tandemq::failover {

// Exit codes of `tandemqctl status`.
enum class Health : int { good = 0, degraded = 1, no_primary = 2, unreachable = 3 };

// `agent_answer` is the agent's status answer or null, `broker` the broker's status or null.
Health judge(const nlohmann::json& agent_answer, const nlohmann::json& broker);

// One screen: summary, this node, its peer.
std::string render_status(const nlohmann::json& agent_answer, const nlohmann::json& broker);

// What `promote --force` on this node would do, before it is done; from the agent's status answer.
std::string render_force(const nlohmann::json& agent_answer);

// Role changes, the newest last, one line each and its reason below.
std::string render_history(const nlohmann::json& changes);

}  // namespace tandemq::failover
