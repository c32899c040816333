// All that the machine remembers between two events.
#pragma once

#include <cstdint>
#include <string>

#include "failover/core/event.h"
#include "failover/core/facts.h"

namespace tandemq::failover {

enum class Purpose : std::uint8_t { none, take_over, cold_start, solo };

// A question to the authority; answered by an event that names `id`.
struct Inquiry {
  Purpose purpose = Purpose::none;
  std::uint64_t id = 0;
  TimeMs since = 0;
  std::uint64_t change = 0;  // the broker's episode that it was asked for
};

struct State {
  Phase phase = Phase::starting;
  TimeMs since = 0;
  std::string why = "the agent has just started";
  Facts facts;

  Inquiry inquiry;
  std::uint64_t last_inquiry = 0;
  Answer answer;              // to the peer's newest question that we granted
  AuthorityAnswer authority;  // what the running promotion rests on

  Order pending = Order::none;  // the role-changing order that the broker has not answered
  bool lose_sync_pending = false;
  Answer lose_sync_for;        // the peer's question that the order under way was given for
  Answer sync_lost_for;        // ... that the broker has carried it out for
  bool owe_lose_sync = false;  // the peer may go solo: our broker must hear so when it is back
  // The broker's process that this was owed for is gone, and every later one began after the
  // question: not known of one that came and went while this agent stood still.
  bool owe_outlived = false;
  Epoch owe_reign = 0;      // ... in this reign or an earlier one
  bool stood_down = false;  // our broker ceased to serve; no other reign was heard of since

  bool eligible = false;
  unsigned claim = 0;  // to the address, 0 while not eligible
  TimeMs eligible_since = 0;
  TimeMs yield_until = 0;     // not eligible for a moment, so that the address moves to the peer
  TimeMs yield_length = 0;    // doubles while yielding does not help
  bool took_address = false;  // before keepalived, which has not become master yet
  bool announced = false;     // served and held here, by nobody else: the neighbours were told

  TimeMs role_changed_at = 0;     // a node became primary, here or there: damps hand-overs
  std::uint64_t silent_life = 0;  // the peer agent's life that fell silent on every path
  TimeMs flapped_at = 0;          // ... and was heard again: it had not died
  TimeMs retry_at = 0;            // after a refused order: not again before
  TimeMs hold_until = 0;          // the peer was granted its promotion: do not compete meanwhile
  TimeMs lost_at = 0;             // last sign of life of the primary that is being replaced
  std::uint64_t request = 0;      // operator order that waits for its reply
};

// What the peer is told about us.
Report report_of(const State& state, const Settings& settings);

}  // namespace tandemq::failover
