// Prometheus figures of the agent, served by a thread of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "failover/core/state.h"
#include "failover/shell/peer_link.h"
#include "failover/shell/timeline.h"

namespace tandemq::failover {

class AgentMetrics : public FailoverFigures {
 public:
  // `listen` as "127.0.0.1:9884", empty: figures are kept and not served. Error code 3.
  static Result<std::unique_ptr<AgentMetrics>> open(const std::string& listen);
  ~AgentMetrics() override;

  // Gauges as of now.
  void refresh(const State& state, const std::vector<PeerLink::PathFigures>& paths,
               const PeerLink::Meeting& meeting, std::size_t impairments);
  void transition(Phase to, EventKind cause);
  void alarm();
  void tampered();
  void lower_priority_master();
  void failover(const std::string& cause) override;
  void phase(const char* name, std::int64_t ms) override;
  void loop_late(double seconds);

 private:
  struct Impl;
  explicit AgentMetrics(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandemq::failover
