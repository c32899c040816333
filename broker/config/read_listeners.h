// [[listener]], and [auth], which holds for each of them that says nothing else.
#pragma once

#include <string>
#include <vector>

#include "broker/config/sections.h"
#include "broker/support/config_reader.h"
#include "broker/support/endpoint.h"

namespace tandemq::broker {

// A port of this host that is in use: by which key.
struct TakenPort {
  std::string key;
  Endpoint endpoint;
};

// At least one. Complains about listeners of one name, and about those that would be in the way of
// each other or of what is `taken`.
std::vector<ListenerSection> read_listeners(ConfigReader& in, std::vector<TakenPort> taken);

}  // namespace tandemq::broker
