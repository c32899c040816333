// Files whose content nobody else may know.
#pragma once

#include <string>
#include <vector>

#include "broker/access/access.h"
#include "broker/base/result.h"
#include "broker/config/config.h"

namespace tandemq::broker {

// Of each that every user of this host can read or write: which, and the remedy.
std::vector<std::string> doubts_about_modes(const Config& config);

// Lets both nodes hide alike which names exist, where a secret of the pair is named and passwords
// are kept.
Status hide_names(const Config& config, Access& access);

}  // namespace tandemq::broker
