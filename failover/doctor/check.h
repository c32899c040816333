// The checks of `tandemqctl doctor`: a table. Each judges facts and nothing else.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "failover/doctor/facts.h"

namespace tandemq::doctor {

// In this order they grow worse. unknown: could not be looked at, or does not concern this host.
enum class Verdict : std::uint8_t { unknown, good, note, warning, bad };
const char* to_string(Verdict verdict);

struct Finding {
  Verdict verdict;
  std::string what;
};

struct Check {
  const char* name;
  const char* question;
  const char* remedy;
  Finding (*judge)(const Facts& facts);
};

extern const std::span<const Check> kDaemonChecks, kPairChecks, kAddressChecks, kNetworkChecks,
    kHostChecks, kFileChecks;
std::vector<Check> all_checks();

struct Judged {
  Check check;
  Finding finding;
};
std::vector<Judged> examine(const Facts& facts, const std::vector<Check>& checks);

// 0 nothing worse than a note, 1 a warning, 2 something bad.
int exit_code(const std::vector<Judged>& results);
std::string to_text(const std::vector<Judged>& results);
nlohmann::json to_json(const std::vector<Judged>& results, int exit_code);
std::string to_list(const std::vector<Check>& checks);

}  // namespace tandemq::doctor
