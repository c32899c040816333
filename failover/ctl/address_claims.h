// Who says that an IPv4 address is his? Asked as a host asks that wants it for itself (RFC 5227): a
// probe with sender 0.0.0.0, which changes nobody's table.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tandemq::failover {

// Hardware addresses of the hosts that answer within 300 ms, each once; this host's own kernel does
// not answer itself. Nothing: it could not be asked (not root, not IPv4).
std::optional<std::vector<std::string>> address_claims(const std::string& interface,
                                                       const std::string& address);

}  // namespace tandemq::failover
