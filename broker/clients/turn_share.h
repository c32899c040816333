// Who is served and for how long: bounds on the work of one callback and of one turn, and the list
// of those who have work left over, which is served in every turn, in order.
//
// A turn ends after a few milliseconds also when more connections are readable: their turn is next,
// and what is not a client's (the peer, the agent) comes before them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "broker/clients/client_table.h"
#include "broker/clients/limits.h"
#include "broker/support/turn.h"

namespace tandemq::broker {

class TurnShare {
 public:
  // `end_turn_early` makes the loop come back although more is ready. The references outlive it.
  TurnShare(ClientTable& table, const Turn& turn, std::function<void()> end_turn_early)
      : table_(table), turn_(turn), end_turn_early_(std::move(end_turn_early)) {}

  // One callback: a share of work (packets and effects) and of bytes.
  void begin_callback() { work_left_ = kWorkPerCallback; }
  bool may_work() const { return work_left_ > 0; }
  std::size_t work_left() const { return work_left_; }
  void spend(std::size_t work) { work_left_ -= std::min(work_left_, work); }
  // Smaller after a turn that did not suffice for everybody, so that all come round soon.
  std::size_t read_size() const { return crowded_ ? kCrowdedReadSize : kReadSize; }
  // Returns its length in ns.
  std::uint64_t end_callback();
  void end_turn() { crowded_ = std::exchange(turn_cut_, false); }

  // Reads from the client whenever something comes, or not while it is held back.
  void listen(Client& client);
  // The client has work left: it is served in the next turn, before anything more is read.
  void put_off(Client& client);
  bool has_backlog() const { return !backlog_.empty(); }
  void forget_backlog() { backlog_.clear(); }
  // Calls serve(client) for those put off; `serve` ends with end_callback. At least one a turn,
  // also when a crowd has used up its time; who did not come round is the first next time.
  template <class F>
  void work_backlog(F serve) {
    std::vector<core::ConnId> ids = std::exchange(backlog_, {});
    for (auto id = ids.begin(); id != ids.end();) {
      Client* client = table_.find(*id++);
      if (!client || !client->backlog) continue;
      client->backlog = false;
      serve(*client);
      if (!turn_cut_) continue;
      backlog_.insert(backlog_.begin(), id, ids.end());
      return;
    }
  }

 private:
  ClientTable& table_;
  const Turn& turn_;
  std::function<void()> end_turn_early_;
  std::vector<core::ConnId> backlog_;
  std::size_t work_left_ = 0;  // that this callback may still do
  std::uint64_t callback_end_ns_ = 0;
  bool turn_cut_ = false;  // it ended although more connections are ready
  bool crowded_ = false;   // the one before did
};

}  // namespace tandemq::broker
