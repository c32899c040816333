// Scenario files: a story told to the simulated pair line by line, with its golden output.
// tests/scenarios/README.md lists the commands.
#pragma once

#include <string>

#include "broker/base/result.h"

namespace tandemq::sim {

// Plays the file at `path` and compares what happened with the .golden file beside it, which
// `update` writes anew. The error says which line failed, or which line of the output differs.
Status play_scenario(const std::string& path, bool update, bool print);

}  // namespace tandemq::sim
