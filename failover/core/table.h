// The failover machine as data. The first row whose state, event and guards fit is taken; then the
// rows are tried again with a tick of the same time, until none fits (fsm.cpp).
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "failover/core/guards.h"

namespace tandemq::failover {

class PhaseSet {
 public:
  constexpr PhaseSet(std::initializer_list<Phase> phases) {
    for (Phase p : phases) bits_ |= 1u << static_cast<unsigned>(p);
  }
  static constexpr PhaseSet all() {
    PhaseSet set({});
    set.bits_ = (1u << kPhases) - 1;
    return set;
  }
  constexpr bool has(Phase p) const { return bits_ >> static_cast<unsigned>(p) & 1; }
  constexpr bool is_all() const { return bits_ == (1u << kPhases) - 1; }

 private:
  std::uint32_t bits_ = 0;
};

// What a row makes happen; fsm.cpp turns it into Actions and changes of State.
enum class Do : std::uint8_t {
  none,
  ask_take_over,
  ask_cold_start,
  ask_solo,
  withdraw,  // drop our question to the authority and to the peer
  promote,
  promote_by_operator,
  go_solo,
  go_solo_by_operator,
  demote,
  lose_sync,
  owe_lose_sync,  // as soon as the broker is back
  switchover,
  kill,
  remove_address,  // if keepalived died and cannot
  yield_address,   // not eligible for a moment, so that the address follows the broker
  grant,           // the peer's question
  back_off,        // nothing of the kind again for half a second
  alarm,
  reply_ok,
  reply_failed
};
const char* to_string(Do action);

struct Row {
  PhaseSet from;
  std::optional<EventKind> on;  // empty: any event, the guards say it all
  std::array<const Guard*, 3> guards;
  std::optional<Phase> to;  // empty: stays
  std::array<Do, 4> actions;
  const char* why;
};

// Rows in order of precedence.
std::span<const Row> broker_rows();     // what happens to the broker's process and role
std::span<const Row> primary_rows();    // this node serves, or is ceasing to
std::span<const Row> standby_rows();    // this node follows, or is about to serve
std::span<const Row> agreement_rows();  // answers to the peer's questions
std::vector<Row> all_rows();

// docs/failover-table.md.
std::string print_table();

}  // namespace tandemq::failover
