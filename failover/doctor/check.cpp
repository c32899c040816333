#include "failover/doctor/check.h"

#include <algorithm>

namespace tandemq::doctor {
namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text + "  ";
}

constexpr std::size_t kNameWidth = 20, kVerdictWidth = 7;

}  // namespace

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::unknown:
      return "unknown";
    case Verdict::good:
      return "good";
    case Verdict::note:
      return "note";
    case Verdict::warning:
      return "warning";
    case Verdict::bad:
      return "bad";
  }
  return "";
}

std::vector<Check> all_checks() {
  std::vector<Check> all;
  for (const auto& some :
       {kDaemonChecks, kPairChecks, kAddressChecks, kNetworkChecks, kHostChecks, kFileChecks})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

std::vector<Judged> examine(const Facts& facts, const std::vector<Check>& checks) {
  std::vector<Judged> results;
  for (const Check& check : checks) results.push_back({check, check.judge(facts)});
  return results;
}

int exit_code(const std::vector<Judged>& results) {
  Verdict worst = Verdict::unknown;
  for (const Judged& one : results) worst = std::max(worst, one.finding.verdict);
  return worst == Verdict::bad ? 2 : worst == Verdict::warning ? 1 : 0;
}

std::string to_text(const std::vector<Judged>& results) {
  std::string out;
  std::size_t counts[5] = {};
  for (const auto& [check, finding] : results) {
    ++counts[static_cast<std::size_t>(finding.verdict)];
    out += padded(to_string(finding.verdict), kVerdictWidth) + padded(check.name, kNameWidth) +
           finding.what + "\n";
    if (finding.verdict > Verdict::good)
      out += padded("", kVerdictWidth) + padded("", kNameWidth) + "-> " + check.remedy + "\n";
  }
  out += std::to_string(results.size()) + " checks:";
  for (std::size_t i = 5; i-- > 0;)
    if (counts[i] != 0)
      out += " " + std::to_string(counts[i]) + " " + to_string(static_cast<Verdict>(i));
  return out + "\n";
}

nlohmann::json to_json(const std::vector<Judged>& results, int exit_code) {
  nlohmann::json checks = nlohmann::json::array();
  for (const auto& [check, finding] : results)
    checks.push_back({{"check", check.name},
                      {"verdict", to_string(finding.verdict)},
                      {"found", finding.what},
                      {"remedy", check.remedy}});
  return {{"checks", checks}, {"exit_code", exit_code}};
}

std::string to_list(const std::vector<Check>& checks) {
  std::string out;
  for (const Check& check : checks) out += padded(check.name, kNameWidth) + check.question + "\n";
  return out;
}

}  // namespace tandemq::doctor
