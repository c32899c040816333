#include "failover/ctl/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tandemq::failover {
namespace {

bool write_all(int fd, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t n = ::write(fd, text.data() + at, text.size() - at);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) at += static_cast<std::size_t>(n);
  }
  return true;
}

bool sync_folder_of(const std::string& path) {
  const int fd = ::open(path.substr(0, path.rfind('/') + 1).c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return false;
  const bool done = ::fsync(fd) == 0;
  ::close(fd);
  return done;
}

}  // namespace

Status write_whole(const std::string& path, const std::string& text, mode_t mode) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());  // of one that was killed
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  bool done = fd >= 0 && write_all(fd, text) && ::fchmod(fd, mode) == 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  done = done && ::rename(fresh.c_str(), path.c_str()) == 0 && sync_folder_of(path);
  if (done) return Done{};
  const int error = errno;
  ::unlink(fresh.c_str());
  return Error{path + " cannot be written: " + std::strerror(error), 1};
}

}  // namespace tandemq::failover
