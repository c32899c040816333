// A password from whoever may be asked, and its entry as password files have it. Clear text never
// goes further than this process.
#pragma once

#include <string>

#include "broker/base/result.h"

namespace tandemq::failover {

// mosquitto_passwd's default: after a failover all clients log in at once, and each log-in takes
// twice as long with twice as many.
constexpr int kIterationsDefault = 101;
constexpr int kIterationsMax = 10'000'000;

// The first line of `file`; without one, what is typed twice where there is a terminal, else the
// first line of the standard input. Errors have code 1.
Result<std::string> read_password(const std::string& file);

// "$7$iterations$salt$hash": PBKDF2 with SHA-512 and a salt of this moment.
Result<std::string> password_entry(const std::string& password, int iterations);

}  // namespace tandemq::failover
