// A program that is asked something.
#pragma once

#include <string>
#include <vector>

#include "failover/doctor/facts.h"

namespace tandemq::failover {

// What it wrote on both outputs, one line end less. Looked for in PATH; not there, or not within
// five seconds: nothing.
std::optional<doctor::Answer> run_program(std::vector<std::string> command);

}  // namespace tandemq::failover
