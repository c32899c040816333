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

struct EntryWish {
  bool scram = false;
  int iterations = 0;  // 0: by default
};

// Whether it can be, for this user. The error has code 1.
Status check_wish(const EntryWish& wish, const std::string& user);

// The first line of `file`; without one, what is typed twice where there is a terminal, else the
// first line of the standard input. Errors have code 1.
Result<std::string> read_password(const std::string& file);

// "$7$iterations$salt$hash", PBKDF2 with SHA-512, or "SCRAM-SHA-256$iterations:salt$keys"; with a
// salt of this moment. The wish has been checked. Errors, with code 1: a password that SCRAM cannot
// have.
Result<std::string> password_entry(const std::string& password, const EntryWish& wish);

}  // namespace tandemq::failover
