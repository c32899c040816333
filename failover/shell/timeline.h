// Turns transitions and the broker's figures into entries of the history: who became primary, why,
// and how long detection, promotion and the return of the clients took.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "failover/core/action.h"
#include "failover/shell/history.h"
#include "failover/shell/metrics.h"

namespace tandemq::failover {

class Timeline {
 public:
  Timeline(History& history, AgentMetrics& metrics) : history_(history), metrics_(metrics) {}

  void transition(const Action& action, TimeMs now);
  // The broker's status object, while it is primary.
  void status(const nlohmann::json& status, TimeMs now);
  // Clients of the last promotion are still coming back: the status is wanted often.
  bool watching() const { return watching_; }

 private:
  History& history_;
  AgentMetrics& metrics_;
  TimeMs lost_at_ = 0;
  TimeMs decided_at_ = 0;
  TimeMs serves_at_ = 0;
  std::string decision_;  // why this node was to serve
  EventKind cause_ = EventKind::tick;
  bool watching_ = false;
};

}  // namespace tandemq::failover
