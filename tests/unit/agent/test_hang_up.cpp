// Connections of a process that stands still are ended by another one.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "failover/shell/hang_up.h"
#include "failover/shell/loop.h"

using namespace tandemq;
using namespace tandemq::failover;

namespace {

sockaddr_in local(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

struct Listener {
  Fd fd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint16_t port = 0;
  Listener() {
    sockaddr_in address = local(0);
    socklen_t size = sizeof(address);
    REQUIRE(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(fd.get(), 8) == 0);
    REQUIRE(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
  }
  Fd client() const {
    Fd to(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = local(port);
    if (connect(to.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
      to.reset(-1);
    return to;
  }
};

bool is_reset(const Fd& fd) {
  pollfd wait{fd.get(), POLLIN, 0};
  char byte = 0;
  return poll(&wait, 1, 1000) == 1 && recv(fd.get(), &byte, 1, 0) < 0 && errno == ECONNRESET;
}

}  // namespace

TEST_CASE("listener, accepted and waiting connections of a process that stands still are ended") {
  Listener stuck, other;
  const pid_t child = fork();
  if (child == 0) {
    accept(stuck.fd.get(), nullptr, nullptr);
    pause();
    _exit(0);
  }
  const Fd accepted = stuck.client();
  usleep(50'000);
  ::kill(child, SIGSTOP);
  const std::uint16_t port = stuck.port;
  const Fd waiting = stuck.client(), elsewhere = other.client();
  REQUIRE(waiting);
  REQUIRE(write(waiting.get(), "CONNECT", 7) == 7);
  const Status done = hang_up({port});
  if (!done) {
    MESSAGE("not tried: " << done.error().message);  // not root, or a kernel without it
  } else {
    CHECK(is_reset(accepted));
    CHECK(is_reset(waiting));
    CHECK_FALSE(stuck.client());
    CHECK(other.client());
    CHECK(write(elsewhere.get(), "x", 1) == 1);
  }
  ::kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

TEST_CASE("where there is nothing to end, nothing happens") {
  CHECK_NOTHROW((void)hang_up({}));
}
