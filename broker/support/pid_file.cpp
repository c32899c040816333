#include "broker/support/pid_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "broker/base/exit_code.h"

namespace tandemq {

Status write_pid_file(const std::string& path) {
  if (path.empty()) return Done{};
  std::ofstream file(path);
  file << getpid() << "\n";
  file.flush();
  if (file) return Done{};
  return Error{"cannot write node.pid_file " + path + ": " + std::strerror(errno) +
                   "; create its folder or leave the key out",
               kExitEnvironment};
}

}  // namespace tandemq
