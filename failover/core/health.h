// Is the loop of the broker alive? Judged from the calls on its control connection that it answers.
#pragma once

#include <cstdint>
#include <functional>

#include "failover/core/facts.h"

namespace tandemq::failover {

class Health {
 public:
  // Of a broker whose peer could take over at once.
  explicit Health(std::uint64_t timeout_ms) : timeout_ms_(timeout_ms) {}

  void connected(TimeMs now);     // a new control connection, and its first call
  void disconnected(TimeMs now);  // the process is there still
  void ended();                   // ... or is not
  void called(TimeMs now);
  void answered() { waits_ = false; }
  // The agent stood still itself: what it missed cannot be held against the broker.
  void stood_still(TimeMs now);
  // `busy`: it has told that its loop stands still, and for what.
  void heard(const BrokerStatus& status, bool busy, TimeMs now);

  bool waits() const { return waits_; }  // a call is not answered
  bool known() const { return known_; }  // this process has told its status
  // Once a turn of the loop. `starved` (asked only when it matters) says whether the host has left
  // the broker without a processor since then.
  bool hung(TimeMs now, const std::function<bool(TimeMs since)>& starved);
  // The same while there is a process and no connection.
  bool lost_for_long(TimeMs now);

 private:
  std::uint64_t limit(TimeMs now) const;

  const std::uint64_t timeout_ms_;
  bool waits_ = false;
  TimeMs called_at_ = 0;
  bool known_ = false;
  bool busy_ = false;
  TimeMs known_since_ = 0;
  BrokerStatus status_;
  TimeMs lost_at_ = 0;
  int suspected_ = 0;  // turns of the loop since the call is overdue
};

}  // namespace tandemq::failover
