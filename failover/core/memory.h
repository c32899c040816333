// What must outlive a restart of the agent, though not of its host. The shell keeps it current
// before it carries out what the machine wants.
#pragma once

#include "failover/core/state.h"

namespace tandemq::failover {

struct Memory {
  bool owes_lose_sync = false;
  bool owe_outlived = false;
  Epoch owe_reign = 0;   // the newest known when it was owed
  Epoch peer_reign = 0;  // the newest that was heard of
  bool maybe_solo = false;
  bool broker_known = false;
  BrokerStatus broker;  // its role, its history and its claims as last told

  // Not by figures that change with every record.
  bool same_as(const Memory& other) const;
};

Memory memory_of(const State& state);
// Into the state of an agent that begins.
void recall(const Memory& memory, State& state);

}  // namespace tandemq::failover
