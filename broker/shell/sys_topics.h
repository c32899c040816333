// $SYS: figures as retained messages, under the names that mosquitto's users know.
#pragma once

#include <map>
#include <string>

#include "broker/core/engine.h"
#include "broker/shell/node_status.h"

namespace tandemq::broker {

class SysTopics {
 public:
  static constexpr std::uint64_t kIntervalS = 10;

  // Publishes what has changed since the last call.
  void publish(const NodeStatus& status, core::Engine& engine, TimeMs now, core::Effects& out);
  // Everything counts as changed (another node may have published meanwhile).
  void forget() { last_.clear(); }

 private:
  std::map<std::string, std::string> last_;  // topic → payload
};

}  // namespace tandemq::broker
