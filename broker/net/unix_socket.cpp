#include "broker/net/unix_socket.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "broker/support/unix_address.h"

namespace tandemq::net {
namespace {

constexpr auto kNobody = static_cast<uid_t>(-1);  // chown leaves it as it is
constexpr auto kNoGroup = static_cast<gid_t>(-1);

Status give(const UnixSocket& socket) {
  const passwd* user = socket.owner.empty() ? nullptr : getpwnam(socket.owner.c_str());
  if (!socket.owner.empty() && !user) {
    return Error{"there is no user " + socket.owner + "; set listener.socket_owner"};
  }
  const uid_t uid = user ? user->pw_uid : kNobody;
  const struct group* group = socket.group.empty() ? nullptr : getgrnam(socket.group.c_str());
  if (!socket.group.empty() && !group) {
    return Error{"there is no group " + socket.group + "; set listener.socket_group"};
  }
  if (chmod(socket.path.c_str(), socket.mode) == 0 &&
      chown(socket.path.c_str(), uid, group ? group->gr_gid : kNoGroup) == 0) {
    return Done{};
  }
  return Error{std::string(std::strerror(errno)) +
               "; only root can give a socket away, others to a group of their own: set "
               "listener.socket_owner and socket_group"};
}

}  // namespace

Result<int> bind_unix(const UnixSocket& socket) {
  sockaddr_un address;
  if (!unix_address(socket.path, address)) {
    return Error{"the path is longer than 107 bytes; set listener.socket_path"};
  }
  struct stat found {};
  if (lstat(socket.path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) {
      return Error{"a file that is no socket is there; move it or set listener.socket_path"};
    }
    if (answers(address)) {
      return Error{"another program answers on it; stop that one or set listener.socket_path"};
    }
    unlink(socket.path.c_str());
  }
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const std::string reason = std::strerror(errno);
    if (fd >= 0) close(fd);
    return Error{reason + "; let the broker's user write to its folder"};
  }
  Status given = give(socket);
  if (given) return fd;
  close(fd);
  unlink(socket.path.c_str());
  return given.error();
}

}  // namespace tandemq::net
