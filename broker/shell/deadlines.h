// Connections by the second in which they are to be looked at: time to send CONNECT, keep-alive,
// lingering. A wheel of 256 seconds with one vector each; a deadline further away is looked at
// early and put back. Cost per packet: none (a packet only notes when it came).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "broker/shell/connection_table.h"

namespace tandemq::broker {

class Deadlines {
 public:
  // Look at `connection` in second `at_s` (of Turn::seconds); replaces an earlier request.
  void set(Connection& connection, std::uint32_t at_s) {
    at_s = std::clamp(at_s, swept_s_ + 1, swept_s_ + kSlots - 1);
    connection.check_s = at_s;
    slots_[at_s % kSlots].push_back(connection.id);
  }

  // Calls due(connection) for all that were to be looked at until `now_s`. `due` may close the
  // connection or set a new deadline.
  template <class F>
  void sweep(std::uint32_t now_s, ConnectionTable& table, F due) {
    while (swept_s_ < now_s) {
      ++swept_s_;
      std::vector<core::ConnId> ids = std::exchange(slots_[swept_s_ % kSlots], {});
      for (const core::ConnId id : ids) {
        Connection* connection = table.find(id);
        if (!connection || connection->check_s != swept_s_) continue;
        connection->check_s = 0;
        due(*connection);
      }
    }
  }

 private:
  static constexpr std::uint32_t kSlots = 256;
  std::array<std::vector<core::ConnId>, kSlots> slots_;
  std::uint32_t swept_s_ = 0;
};

}  // namespace tandemq::broker
