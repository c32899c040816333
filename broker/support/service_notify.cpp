#include "broker/support/service_notify.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>

namespace tandemq {
namespace {

// Not by libsystemd, whose call waits while systemd does not read: one that is frozen would stop
// us. What does not fit is given up; the watchdog's word is said again.
void tell(std::string_view what) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  const std::size_t size = path == nullptr ? 0 : std::strlen(path);
  if (size < 2 || size >= sizeof to.sun_path) return;
  std::memcpy(to.sun_path, path, size);
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';  // an abstract name
  static const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
  static_cast<void>(::sendto(fd, what.data(), what.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&to), length));
}

// It is said again with every word of the watchdog: the first one may not have fitted.
bool is_ready = false;

}  // namespace

void notify_ready() {
  is_ready = true;
  tell("READY=1");
}
void notify_stopping() {
  is_ready = false;
  tell("STOPPING=1");
}
void notify_reloading() {
  is_ready = false;
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto us = static_cast<unsigned long long>(now.tv_sec) * 1'000'000 +
                  static_cast<unsigned long long>(now.tv_nsec) / 1'000;
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}
void notify_status(const std::string& sentence) {
  tell("STATUS=" + sentence);
}
void notify_watchdog() {
  tell(is_ready ? "READY=1\nWATCHDOG=1" : "WATCHDOG=1");
}
void notify_extend_start(unsigned seconds) {
  tell("EXTEND_TIMEOUT_USEC=" + std::to_string(seconds) + "000000");
}

bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");  // device:inode
  struct stat own {};
  if (stream == nullptr || fstat(STDERR_FILENO, &own) != 0) return false;
  return stream == std::to_string(own.st_dev) + ":" + std::to_string(own.st_ino);
}

}  // namespace tandemq
