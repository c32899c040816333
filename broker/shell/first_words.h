// What a node that starts for the first time tells about itself: who may come in where, and what to
// do if that is not what was meant. Pure.
#pragma once

#include <string>

#include "broker/config/config.h"

namespace tandemq::broker {

// "everyone on this host", "everyone", "the users of FILE", "nobody".
std::string lets_in(const ListenerSection& listener);

std::string first_words(const Config& config);

}  // namespace tandemq::broker
