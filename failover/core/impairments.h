// What stands between this moment and a failover that would succeed: a pair may replicate in good
// order while the address could not move. For `status`, its exit code and a metric; decisions do
// not rest on it.
#pragma once

#include <string>
#include <vector>

#include "failover/core/state.h"

namespace tandemq::failover {

// Whether what the peer's agent said last still tells how things are there.
bool word_is_fresh(const State& state, const Settings& settings);

// One sentence each, naming the node; empty when all is well. `own` and `peer` are names of nodes.
std::vector<std::string> impairments(const State& state, const Settings& settings,
                                     const std::string& own, const std::string& peer);

}  // namespace tandemq::failover
