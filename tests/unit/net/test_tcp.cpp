// The TCP transport and the listeners on a real loop.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "broker/net/listeners.h"
#include "broker/net/priorities.h"
#include "broker/net/tcp_transport.h"

using namespace tandemq;
using net::Io;

namespace {

struct Loop {
  event_base* base = event_base_new();
  Loop() { event_base_priority_init(base, net::kPriorities); }
  ~Loop() { event_base_free(base); }
  void turn() { event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK); }
};

struct User final : net::TransportUser {
  net::Ready heard;
  void transport_ready(net::Ready what) override { heard = what; }
};

// A loopback port that was free a moment ago.
std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(fd);
  return ntohs(address.sin_port);
}

int dial(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace

TEST_CASE("a TCP transport moves bytes, tells what it is asked to, and shuts one side") {
  Loop loop;
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
  User user;
  net::TcpTransport transport(loop.base, ends[0]);
  transport.attach(user);
  char buffer[16];
  CHECK(transport.read(buffer, sizeof(buffer)).io == Io::later);
  REQUIRE(write(ends[1], "abc", 3) == 3);
  loop.turn();
  CHECK(user.heard == net::Ready{});  // nothing was wanted
  transport.want({true, false});
  loop.turn();
  CHECK(user.heard == net::Ready{true, false});
  const net::IoResult got = transport.read(buffer, sizeof(buffer));
  CHECK(got.io == Io::done);
  CHECK(std::string_view(buffer, got.size) == "abc");
  transport.want({true, true});
  loop.turn();
  CHECK(user.heard == net::Ready{false, true});
  CHECK(transport.write("xyz").size == 3);
  transport.shut();
  CHECK(read(ends[1], buffer, sizeof(buffer)) == 3);
  CHECK(read(ends[1], buffer, sizeof(buffer)) == 0);
  REQUIRE(write(ends[1], "d", 1) == 1);
  CHECK(transport.read(buffer, sizeof(buffer)).size == 1);
  close(ends[1]);
  CHECK(transport.read(buffer, sizeof(buffer)).io == Io::ended);
  CHECK(transport.write("x").io == Io::ended);
}

TEST_CASE("several listeners open and close together, and say who came in where") {
  Loop loop;
  std::vector<std::size_t> came;
  std::vector<std::unique_ptr<net::Transport>> transports;
  net::Listeners listeners([&](std::size_t listener, std::unique_ptr<net::Transport> transport) {
    came.push_back(listener);
    transports.push_back(std::move(transport));
  });
  const std::uint16_t ports[] = {free_port(), free_port()};
  for (const std::uint16_t port : ports) {
    REQUIRE(listeners.bind(loop.base, {"listener", "127.0.0.1", port}));
  }
  CHECK_FALSE(listeners.listening());
  CHECK(dial(ports[0]) < 0);
  REQUIRE(listeners.open());
  CHECK(listeners.listening());
  const int second = dial(ports[1]), first = dial(ports[0]);
  REQUIRE(first >= 0);
  REQUIRE(second >= 0);
  for (int i = 0; i < 100 && came.size() < 2; ++i) loop.turn();
  std::sort(came.begin(), came.end());
  CHECK(came == std::vector<std::size_t>{0, 1});
  REQUIRE(transports.size() == 2);
  CHECK(transports[0]->peer_address().starts_with("127.0.0.1:"));
  CHECK(transports[0]->peer_certificate().empty());
  listeners.close();
  CHECK_FALSE(listeners.listening());
  CHECK(dial(ports[0]) < 0);
  CHECK(dial(ports[1]) < 0);
  REQUIRE(listeners.open());
  close(first);
  close(second);
}

TEST_CASE("a port that is taken is told with its section and a remedy") {
  Loop loop;
  const std::uint16_t port = free_port();
  net::Listeners first([](std::size_t, std::unique_ptr<net::Transport>) {});
  net::Listeners second([](std::size_t, std::unique_ptr<net::Transport>) {});
  REQUIRE(first.bind(loop.base, {"listener", "127.0.0.1", port}));
  REQUIRE(first.open());
  const Status taken = second.bind(loop.base, {"listener 'inside'", "127.0.0.1", port});
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == 3);
  CHECK(taken.error().message.find(":" + std::to_string(port)) != std::string::npos);
  CHECK(taken.error().message.find("set listener 'inside'.port") != std::string::npos);
}

TEST_CASE("a name with several addresses is one place, served on all of them") {
  Loop loop;
  std::vector<std::size_t> came;
  std::vector<std::string> from;
  net::Listeners listeners([&](std::size_t listener, std::unique_ptr<net::Transport> transport) {
    came.push_back(listener);
    from.push_back(transport->peer_address());
  });
  const std::uint16_t port = free_port();
  REQUIRE(listeners.bind(loop.base, {"listener", "127.0.0.1", free_port()}));
  REQUIRE(listeners.bind(loop.base, {"listener", "localhost", port}));
  REQUIRE(listeners.open());
  const int four = dial(port);
  CHECK(four >= 0);
  const int six = socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  address.sin6_port = htons(port);
  const bool both = connect(six, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  CHECK(both == (listeners.all().size() == 3));  // where the name has the second address
  for (int i = 0; i < 5; ++i) loop.turn();
  REQUIRE(came == std::vector<std::size_t>(both ? 2 : 1, 1));
  std::sort(from.begin(), from.end());
  CHECK(from.front().starts_with("127.0.0.1:"));
  if (both) CHECK(from.back().starts_with("[::1]:"));
  close(four);
  if (six >= 0) close(six);
}
