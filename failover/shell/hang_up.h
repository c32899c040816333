// Ends TCP connections in place of a process that cannot any more: one that is killed and waits for
// its disk keeps its sockets, and its kernel goes on taking connections that nobody answers.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/base/result.h"

namespace tandemq::failover {

// Closes the listeners of these local ports and resets every connection to them, those that nobody
// has accepted among them, whichever process has them. Needs CAP_NET_ADMIN, and a kernel with
// CONFIG_INET_DIAG_DESTROY. May wait for as long as the process stands in a call on such a socket.
Status hang_up(const std::vector<std::uint16_t>& ports);

}  // namespace tandemq::failover
