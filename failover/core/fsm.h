// fsm: step(State, Event) → Actions. Pure: no clock, no I/O, no randomness.
#pragma once

#include "failover/core/action.h"
#include "failover/core/authority.h"
#include "failover/core/memory.h"
#include "failover/core/state.h"
#include "failover/core/table.h"

namespace tandemq::failover {

// Learns from the event, takes rows of the table until none fits, and derives what follows from the
// state alone: eligibility for the address, and whether the peer must hear something new.
Actions step(State& state, const Event& event, const Settings& settings);

// The machine with its authority: answers that are there already are fed back within the same call.
class Machine {
 public:
  // `eligible`, `claim`: what keepalived was told last. `memory`: of the life before.
  Machine(Settings settings, std::unique_ptr<Authority> authority, TimeMs now, bool eligible,
          unsigned claim = 0, const Memory& memory = {});

  Actions handle(const Event& event);
  const State& state() const { return state_; }
  const Settings& settings() const { return settings_; }
  const Authority& authority() const { return *authority_; }
  // What the running inquiry waits for, empty when none runs.
  const std::string& waiting_for() const { return waiting_for_; }

 private:
  Settings settings_;
  std::unique_ptr<Authority> authority_;
  State state_;
  std::uint64_t asked_ = 0;
  std::string waiting_for_;
};

}  // namespace tandemq::failover
