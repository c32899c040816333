// Clients by the second in which they are to be looked at: time to send CONNECT, keep-alive,
// lingering. A wheel of 256 seconds with one vector each; a deadline further away is looked at
// early and put back. Cost per packet: none (a packet only notes when it came).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "broker/clients/client_table.h"

namespace tandemq::broker {

class Deadlines {
 public:
  // Look at `client` in second `at_s` (of Turn::seconds); replaces an earlier request.
  void set(Client& client, std::uint32_t at_s) {
    at_s = std::clamp(at_s, swept_s_ + 1, swept_s_ + kSlots - 1);
    client.check_s = at_s;
    slots_[at_s % kSlots].push_back(client.id);
  }

  // Calls due(client) for those that were to be looked at until `now_s`. `due` may close the
  // connection or set a new deadline; it returns false when that was enough for now. False when
  // some are left, for the next call.
  template <class F>
  bool sweep(std::uint32_t now_s, ClientTable& table, F due) {
    while (true) {
      while (!left_.empty()) {
        Client* client = table.find(left_.back());
        left_.pop_back();
        if (!client || client->check_s != swept_s_) continue;
        client->check_s = 0;
        if (!due(*client)) return false;
      }
      if (swept_s_ >= now_s) return true;
      ++swept_s_;
      left_ = std::exchange(slots_[swept_s_ % kSlots], {});
      std::reverse(left_.begin(), left_.end());
    }
  }

 private:
  static constexpr std::uint32_t kSlots = 256;
  std::array<std::vector<core::ConnId>, kSlots> slots_;
  std::uint32_t swept_s_ = 0;       // looked at up to here, but for
  std::vector<core::ConnId> left_;  // of that second, the next one last
};

}  // namespace tandemq::broker
