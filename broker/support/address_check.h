// Addresses of the configuration that this host does not have. Listeners bind them all the same,
// for a network that comes up later and for the virtual address; an operator's slip must not stay
// unseen.
#pragma once

#include <string>

namespace tandemq {

// One log line when no interface of this host has the address; `key` is what configures it.
void tell_missing_address(const std::string& address, const char* key);

}  // namespace tandemq
