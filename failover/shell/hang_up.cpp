#include "failover/shell/hang_up.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "failover/shell/loop.h"

namespace tandemq::failover {
namespace {

constexpr std::uint32_t kListening = 1u << TCP_LISTEN;
constexpr std::uint32_t kOthers =
    1u << TCP_ESTABLISHED | 1u << TCP_SYN_RECV | 1u << TCP_FIN_WAIT1 | 1u << TCP_CLOSE_WAIT;

struct Found {
  std::uint8_t family;
  inet_diag_sockid id;
};

struct Request {
  nlmsghdr header{};
  inet_diag_req_v2 body{};
};

Request request(unsigned type, unsigned flags, int family) {
  Request r;
  r.header.nlmsg_len = sizeof(r);
  r.header.nlmsg_type = static_cast<std::uint16_t>(type);
  r.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  r.body.sdiag_family = static_cast<std::uint8_t>(family);
  r.body.sdiag_protocol = IPPROTO_TCP;
  return r;
}

Error error_of(int number) {
  return Error{std::string("cannot end the connections of a broker that cannot: ") +
               std::strerror(number)};
}

// Reads answers until the one that ends them; `each` gets every socket told. The error, 0 none.
template <class Each>
int answers(int fd, const Each& each) {
  alignas(nlmsghdr) char buffer[32768];
  for (;;) {
    const ssize_t size = recv(fd, buffer, sizeof(buffer), 0);
    if (size <= 0) return size < 0 ? errno : EPIPE;
    int left = static_cast<int>(size);
    for (auto* m = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(m, static_cast<unsigned>(left));
         m = NLMSG_NEXT(m, left)) {
      if (m->nlmsg_type == NLMSG_DONE) return 0;
      if (m->nlmsg_type == NLMSG_ERROR) return -static_cast<nlmsgerr*>(NLMSG_DATA(m))->error;
      each(*static_cast<inet_diag_msg*>(NLMSG_DATA(m)));
    }
  }
}

int find(int fd, const std::vector<std::uint16_t>& ports, std::uint32_t states,
         std::vector<Found>& found) {
  for (const int family : {AF_INET, AF_INET6}) {
    Request r = request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family);
    r.body.idiag_states = states;
    if (send(fd, &r, sizeof(r), 0) < 0) return errno;
    const int failed = answers(fd, [&](const inet_diag_msg& one) {
      const std::uint16_t port = ntohs(one.id.idiag_sport);
      if (std::find(ports.begin(), ports.end(), port) == ports.end()) return;
      found.push_back({one.idiag_family, one.id});
    });
    if (failed != 0) return failed;
  }
  return 0;
}

int destroy(int fd, const Found& one) {
  Request r = request(SOCK_DESTROY, NLM_F_ACK, one.family);
  r.body.id = one.id;
  if (send(fd, &r, sizeof(r), 0) < 0) return errno;
  const int failed = answers(fd, [](const inet_diag_msg&) {});
  return failed == ENOENT ? 0 : failed;  // it has ended by itself
}

}  // namespace

Status hang_up(const std::vector<std::uint16_t>& ports) {
  Fd fd(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd) return error_of(errno);
  int first_error = 0;
  // The listeners first: no connection comes after its fellows were found.
  for (const std::uint32_t states : {kListening, kOthers}) {
    std::vector<Found> found;
    if (const int failed = find(fd.get(), ports, states, found); failed != 0)
      return error_of(failed);
    for (const Found& one : found) {
      const int failed = destroy(fd.get(), one);
      if (first_error == 0) first_error = failed;
    }
  }
  if (first_error != 0) return error_of(first_error);
  return Done{};
}

}  // namespace tandemq::failover
