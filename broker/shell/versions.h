// What this program can read, and which of its settings should be equal on both nodes: what the
// nodes tell each other when they meet (docs/decisions/versions.md).
#pragma once

#include "broker/config/config.h"
#include "replicator/core/features.h"

namespace tandemq::broker {

repl::Features known_features();
// What every release can read.
repl::Features first_features();

// Of those that decide how long data are kept, and when the nodes part.
std::vector<repl::Setting> shared_settings(const Config& config);

}  // namespace tandemq::broker
