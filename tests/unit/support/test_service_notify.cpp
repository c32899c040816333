// What systemd is told, and what happens when it does not read.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "broker/support/service_notify.h"
#include "tests/support/temp_dir.h"

namespace tandemq {

TEST_CASE("systemd is told, and is not waited for when it reads nothing") {
  test::TempDir dir;
  const std::string path = dir.path() + "/notify";
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un own{};
  own.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof own.sun_path);
  std::memcpy(own.sun_path, path.data(), path.size());
  REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  notify_status("standby, paired");
  char text[64];
  const ssize_t size = recv(fd, text, sizeof text, 0);
  CHECK(std::string(text, size < 0 ? 0 : static_cast<std::size_t>(size)) ==
        "STATUS=standby, paired");
  for (int i = 0; i < 5000; ++i) notify_watchdog();  // more than any queue of datagrams holds
  unsetenv("NOTIFY_SOCKET");
  notify_watchdog();
  close(fd);
}

}  // namespace tandemq
