#include "broker/shell/secret_files.h"

#include <sys/stat.h>

#include <map>

namespace tandemq::broker {
namespace {

constexpr mode_t kOthers = S_IROTH | S_IWOTH;

}  // namespace

std::vector<std::string> doubts_about_modes(const Config& config) {
  std::map<std::string, const char*> files;  // each once, with its key
  for (const ListenerSection& one : config.listeners) {
    for (const std::string& key : one.tls.keyfile) files[key] = "keyfile";
    files[one.access.password_file] = "password_file";
  }
  files[config.tls.ticket_secret_file] = "tls.ticket_secret_file";
  std::vector<std::string> doubts;
  for (const auto& [path, key] : files) {
    struct stat found {};
    if (path.empty() || stat(path.c_str(), &found) != 0 || (found.st_mode & kOthers) == 0) continue;
    doubts.push_back(std::string(key) + " " + path +
                     " is open to every user of this host; `chmod o= " + path +
                     "`, and let the broker's user read it as owner or group");
  }
  return doubts;
}

}  // namespace tandemq::broker
