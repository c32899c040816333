// Who may read and write settings and secrets, and how long certificates last.
#include "failover/doctor/findings.h"

namespace tandemq::doctor {
namespace {

using nlohmann::json;

constexpr std::size_t kSecretLeast = 32;  // openssl rand -hex 32 makes 64
constexpr std::int64_t kDaysLeft = 30;

constexpr unsigned kWrittenByOthers = 0022, kReadByAll = 0004;

Finding secret_private(const Facts& f) {
  if (!f.secret) return unknown("there is no secret");
  if (f.secret->mode & kReadByAll) return bad("everybody can read " + f.secret->path);
  if (f.secret->mode & kWrittenByOthers) return bad("others can write " + f.secret->path);
  return good(f.secret->path);
}

Finding secret_strong(const Facts& f) {
  if (!f.settings || f.settings->secret_bytes == 0) return unknown("there is no secret");
  const std::string text = std::to_string(f.settings->secret_bytes) + " characters";
  return f.settings->secret_bytes < kSecretLeast ? warning(text) : good(text);
}

Finding settings_private(const Facts& f) {
  if (f.files.empty()) return unknown("no settings were seen");
  std::string open;
  for (const File& file : f.files)
    if ((file.mode & kWrittenByOthers) != 0 || !file.of_root) open += " " + file.path;
  return open.empty() ? good("root's alone to write") : warning("others can write" + open);
}

Finding certificates(const Facts& f) {
  if (f.broker.is_null()) return unknown("no broker answers");
  const json all = list(f.broker, "certificates");
  if (all.empty()) return unknown("no listener has any");
  std::string ended, soon;
  for (const json& one : all) {
    const auto days = count(one, "days_left");
    std::string& list = days <= 0 ? ended : soon;
    if (days < kDaysLeft) list += " " + word(one, "file") + " (" + std::to_string(days) + " days)";
  }
  if (!ended.empty()) return bad("ended:" + ended);
  return soon.empty() ? good(std::to_string(all.size()) + " are good for a month")
                      : warning("end soon:" + soon);
}

constexpr Check kOfFiles[] = {
    {"secret-private", "is the pair's secret a secret?",
     "chown root:tandemq-agent and chmod 640 the file; a new secret if it was read",
     &secret_private},
    {"secret-strong", "is the pair's secret long enough?",
     "openssl rand -hex 32, the same file on both nodes", &secret_strong},
    {"settings-private", "can root alone change the settings?",
     "chown root and chmod go-w the files", &settings_private},
    {"certificates", "are the certificates good for a month?",
     "renew them (certificates.yml, or your own), then tandemqctl reload", &certificates},
};

}  // namespace

const std::span<const Check> kFileChecks = kOfFiles;

}  // namespace tandemq::doctor
