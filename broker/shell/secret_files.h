// Files whose content nobody else may know.
#pragma once

#include <string>
#include <vector>

#include "broker/config/config.h"

namespace tandemq::broker {

// Of each that every user of this host can read or write: which, and the remedy.
std::vector<std::string> doubts_about_modes(const Config& config);

}  // namespace tandemq::broker
