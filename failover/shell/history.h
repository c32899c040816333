// Past changes of role, each with cause and durations, in memory and as JSON lines in a bounded
// file. Written by a thread of its own: a disk that stands still must not stop the agent.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <thread>

#include "broker/base/result.h"

namespace tandemq::failover {

struct Change {
  std::uint64_t wall_ms = 0;
  std::string from, to, cause, reason;
  std::int64_t detection_ms = -1;     // from the last sign of life of what was replaced
  std::int64_t promotion_ms = -1;     // from the decision until the broker served
  std::int64_t first_client_ms = -1;  // from there to the first accepted CONNECT, where sessions
                                      // were connected before
  std::int64_t sessions_95_ms = -1;   // until 95 % of the sessions connected before were back
};
nlohmann::json to_json(const Change& change);
std::string rfc3339(std::uint64_t wall_ms);

class History {
 public:
  static constexpr std::size_t kKept = 200;

  explicit History(std::string file);
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // What an earlier life has written; damaged lines are left out.
  void load();
  // Its number, which no other entry of this life gets.
  std::uint64_t add(Change change);
  // For figures that come later, save() when they are there. Null when it is too old to be kept.
  Change* find(std::uint64_t number);
  void save();
  const std::deque<Change>& changes() const { return changes_; }

 private:
  void write_loop();

  std::string file_;
  std::deque<Change> changes_;
  std::uint64_t numbers_ = 0;  // that of the newest entry
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string text_;  // to be written next
  bool dirty_ = false, stop_ = false;
  std::thread writer_;
};

}  // namespace tandemq::failover
