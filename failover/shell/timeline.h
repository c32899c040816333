// Turns transitions and the broker's figures into entries of the history: who became primary, why,
// and how long detection, promotion and the return of the clients took; and when a primary went on
// alone, by whose word, until when.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "failover/core/action.h"
#include "failover/shell/history.h"

namespace tandemq::failover {

// Of taking over, for the metrics.
class FailoverFigures {
 public:
  virtual ~FailoverFigures() = default;
  // This node took over from its peer.
  virtual void failover(const std::string& cause) = 0;
  // How long a part of it took: detection, promotion, first_client, sessions_95.
  virtual void phase(const char* name, std::int64_t ms) = 0;
};

class Timeline {
 public:
  Timeline(History& history, FailoverFigures& figures) : history_(history), figures_(figures) {}

  void transition(const Action& action, TimeMs now);
  // The broker's status object, whenever it tells one.
  void status(const nlohmann::json& status, TimeMs now);

 private:
  void decided(const Action& action, TimeMs now);
  void begun(const Action& action, Change change, TimeMs now);
  void follow_pair(const nlohmann::json& status);
  void follow_clients(const nlohmann::json& status, TimeMs now);

  History& history_;
  FailoverFigures& figures_;
  TimeMs lost_at_ = 0;
  TimeMs decided_at_ = 0;
  TimeMs serves_at_ = 0;
  std::string decision_;  // why this node was to serve
  std::string cause_;
  bool cold_ = false;        // nobody had served: no failover
  std::uint64_t reign_ = 0;  // its entry while clients are still coming back, 0 none
  std::string stands_;       // the pair's state as primary, else the role; empty: not told yet
  bool alone_ = false;
};

}  // namespace tandemq::failover
