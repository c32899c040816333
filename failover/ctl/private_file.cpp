#include "failover/ctl/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
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
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return false;
  const bool done = ::fsync(fd) == 0;
  ::close(fd);
  return done;
}

// The file, also of one that was killed, to write as the only one; -1 and EWOULDBLOCK while another
// one does, or has just renamed it.
int open_alone(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  struct stat opened {
  }, named{};
  const bool alone = ::flock(fd, LOCK_EX | LOCK_NB) == 0 && ::fstat(fd, &opened) == 0 &&
                     ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino;
  if (alone) return fd;
  ::close(fd);
  errno = EWOULDBLOCK;
  return -1;
}

}  // namespace

Status write_whole(const std::string& path, const std::string& text, mode_t mode,
                   const std::optional<FileOwner>& owner) {
  const std::string fresh = path + ".new";
  const int fd = open_alone(fresh);
  if (fd < 0 && errno == EWOULDBLOCK) return Error{path + " is being written by another one", 1};
  bool done = fd >= 0 && ::ftruncate(fd, 0) == 0 && write_all(fd, text) &&
              (!owner || ::fchown(fd, owner->user, owner->group) == 0) && ::fchmod(fd, mode) == 0 &&
              ::fsync(fd) == 0;
  done = done && ::rename(fresh.c_str(), path.c_str()) == 0 && sync_folder_of(path);
  const int error = errno;
  if (!done && fd >= 0) ::unlink(fresh.c_str());
  if (fd >= 0) ::close(fd);
  if (done) return Done{};
  return Error{path + " cannot be written: " + std::strerror(error), 1};
}

Status private_folder(const std::string& folder) {
  struct stat found {};
  if (::stat(folder.c_str(), &found) == 0) {
    if (!S_ISDIR(found.st_mode)) return Error{folder + " is no folder", 1};
    if ((found.st_mode & 077) == 0 && found.st_uid == ::geteuid()) return Done{};
    return Error{folder +
                     " is not this user's alone, and secrets are to lie in it: name a "
                     "folder of its own, or `chmod 700 " +
                     folder + "`",
                 1};
  }
  if (::mkdir(folder.c_str(), 0700) == 0) return Done{};
  return Error{folder + " cannot be made: " + std::strerror(errno), 1};
}

}  // namespace tandemq::failover
