// Names for log lines and clients that bring none.
#pragma once

#include <string>

namespace tandemq::broker {

// "10.0.0.1:50000" of the other end of a socket; empty when it is gone.
std::string peer_name(int fd);

// "auto-" and 32 random hexadecimal digits.
std::string random_client_id();

}  // namespace tandemq::broker
