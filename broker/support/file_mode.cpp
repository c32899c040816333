#include "broker/support/file_mode.h"

#include <sys/stat.h>

namespace tandemq {

void keep_files_private() {
  umask(umask(0077) | 0027);
}

std::string doubt_about_mode(const std::string& key, const std::string& path,
                             const std::string& reader) {
  constexpr mode_t kOthers = S_IROTH | S_IWOTH;
  struct stat found {};
  if (path.empty() || stat(path.c_str(), &found) != 0 || (found.st_mode & kOthers) == 0) return {};
  return key + " " + path + " is open to every user of this host; `chmod o= " + path +
         "`, and let " + reader + "'s user read it as owner or group";
}

}  // namespace tandemq
