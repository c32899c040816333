// What an event teaches, before any row of the table is looked at.
#pragma once

#include "failover/core/state.h"

namespace tandemq::failover {

void absorb(State& state, const Event& event, const Settings& settings);

}  // namespace tandemq::failover
