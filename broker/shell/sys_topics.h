// $SYS: figures as retained messages, under the names that mosquitto's users know.
#pragma once

#include <map>
#include <string>

#include "broker/core/engine.h"
#include "broker/shell/load_average.h"
#include "broker/shell/node_status.h"

namespace tandemq::broker {

class SysTopics {
 public:
  // Whether it is time to publish, in this second: at the begin of a reign, then now and again.
  bool is_due(std::uint64_t second) const { return last_.empty() || second % kIntervalS == 0; }
  // Publishes what has changed since the last call.
  void publish(const NodeStatus& status, core::Engine& engine, TimeMs now, core::Effects& out);
  // Everything counts as changed (another node may have published meanwhile).
  void forget() { last_.clear(); }

 private:
  static constexpr std::uint64_t kIntervalS = 10;
  using Topics = std::map<std::string, std::string>;  // topic → payload

  void add_loads(const NodeStatus& status, Topics& topics);

  Topics last_;
  std::map<std::string, LoadAverage> loads_;
  std::uint64_t loaded_ms_ = 0;  // uptime when they were brought up to date
  std::uint64_t clients_max_ = 0;
};

}  // namespace tandemq::broker
