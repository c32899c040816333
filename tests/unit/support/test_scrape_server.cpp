#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "broker/support/scrape_server.h"

using namespace tandemq;

namespace {

std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(at);
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0);
  REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  close(fd);
  return ntohs(at.sin_port);
}

int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(port);
  REQUIRE(connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof(at)) == 0);
  const timeval patience{10, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  return fd;
}

void ask(int fd) {
  const std::string request = "GET /metrics HTTP/1.1\r\n\r\n";
  REQUIRE(write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size()));
}

std::string rest_of(int fd) {
  std::string out;
  char buffer[65536];
  for (ssize_t n; (n = read(fd, buffer, sizeof(buffer))) > 0;) {
    out.append(buffer, static_cast<std::size_t>(n));
  }
  return out;
}

}  // namespace

TEST_CASE("who is being answered is not dropped for those who come and say nothing") {
  const std::uint16_t port = free_port();
  const std::string page(32 << 20, 'x');  // more than the kernel takes at once
  auto server = ScrapeServer::open("127.0.0.1:" + std::to_string(port), [&page] { return page; });
  REQUIRE(server);
  const int slow = connect_to(port);
  ask(slow);
  char first;
  REQUIRE(read(slow, &first, 1) == 1);
  std::vector<int> silent;
  for (std::size_t i = 0; i < 2 * ScrapeServer::kConnectionsMax; ++i) {
    silent.push_back(connect_to(port));
  }
  const int next = connect_to(port);
  ask(next);
  CHECK(rest_of(next).ends_with("xxxx"));
  CHECK(rest_of(slow).size() > page.size());
  for (const int fd : silent) close(fd);
  close(slow);
  close(next);
}
