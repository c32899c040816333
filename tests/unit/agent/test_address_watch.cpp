// The addresses of an interface when netlink has lost words of them.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "failover/shell/address_watch.h"
#include "loop_rig.h"

using namespace tandemq;
using namespace tandemq::failover;

namespace {

enum : int { kGood, kNoNamespace = 77, kNotSeen, kBelievesOldWord };

// One address of lo on or off, by another socket than the watch's.
void change(int fd, const char* address, bool on) {
  struct {
    nlmsghdr header;
    ifaddrmsg body;
    rtattr attribute;
    in_addr address;
  } r{};
  r.header.nlmsg_len = sizeof r;
  r.header.nlmsg_type = on ? RTM_NEWADDR : RTM_DELADDR;
  r.header.nlmsg_flags = NLM_F_REQUEST;
  if (on) r.header.nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
  r.body.ifa_family = AF_INET;
  r.body.ifa_prefixlen = 32;
  r.body.ifa_index = if_nametoindex("lo");
  r.attribute.rta_type = IFA_LOCAL;
  r.attribute.rta_len = RTA_LENGTH(sizeof(in_addr));
  inet_pton(AF_INET, address, &r.address);
  send(fd, &r, sizeof r, 0);
}

// In a process of its own, with a network of its own.
int lose_words(bool last) {
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return kNoNamespace;
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  ifreq lo{};
  std::strcpy(lo.ifr_name, "lo");
  lo.ifr_flags = IFF_UP;
  ioctl(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), SIOCSIFFLAGS, &lo);
  change(fd, "192.0.2.100", !last);
  LoopRig rig;
  auto watch =
      AddressWatch::open(rig.base, "lo", {"192.0.2.100/32"}, {[](bool) {}, [](bool) {}, {}});
  if (!watch) return kNoNamespace;
  rig.until(200, [] { return false; });
  if ((*watch)->holds() == last) return kNotSeen;
  for (int i = 0; i < 4000; ++i) change(fd, "192.0.2.7", i % 2 == 0);  // until it holds no more
  change(fd, "192.0.2.100", last);
  return rig.until(3000, [&] { return (*watch)->holds() == last; }) ? kGood : kBelievesOldWord;
}

}  // namespace

TEST_CASE("an address that came or went among words that netlink has lost is known all the same") {
  for (const bool last : {true, false}) {
    const pid_t child = fork();
    if (child == 0) _exit(lose_words(last));
    int status = 0;
    waitpid(child, &status, 0);
    REQUIRE(WIFEXITED(status));
    if (WEXITSTATUS(status) == kNoNamespace) {
      MESSAGE("not tried: no network namespace can be made here");
      return;
    }
    CAPTURE(last);
    CHECK(WEXITSTATUS(status) == kGood);
  }
}

TEST_CASE("an address is known for one of this host's, or not") {
  CHECK(is_here(*parse_address("127.0.0.1"), "lo"));
  CHECK_FALSE(is_here(*parse_address("192.0.2.1"), "lo"));
  CHECK_FALSE(is_here(*parse_address("fe80::7"), "lo"));
  CHECK_FALSE(is_here(*parse_address("fe80::7"), "no-such"));
}
