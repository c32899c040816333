#include "failover/ctl/address_claims.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "failover/shell/loop.h"

namespace tandemq::failover {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kWait = std::chrono::milliseconds(300);

std::string text_of(const unsigned char* mac) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
                mac[4], mac[5]);
  return text;
}

ether_arp probe_for(const in_addr& address, const unsigned char* own_mac) {
  ether_arp probe{};
  probe.ea_hdr.ar_hrd = htons(ARPHRD_ETHER);
  probe.ea_hdr.ar_pro = htons(ETHERTYPE_IP);
  probe.ea_hdr.ar_hln = ETH_ALEN;
  probe.ea_hdr.ar_pln = 4;
  probe.ea_hdr.ar_op = htons(ARPOP_REQUEST);
  std::memcpy(probe.arp_sha, own_mac, ETH_ALEN);
  std::memcpy(probe.arp_tpa, &address, 4);
  return probe;
}

std::vector<std::string> answers(int fd, const in_addr& address) {
  std::vector<std::string> found;
  const Clock::time_point end = Clock::now() + kWait;
  for (Clock::time_point now; (now = Clock::now()) < end;) {
    pollfd waiting{fd, POLLIN, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - now).count();
    if (poll(&waiting, 1, static_cast<int>(left) + 1) <= 0) break;
    ether_arp heard{};
    if (recv(fd, &heard, sizeof heard, MSG_DONTWAIT) < static_cast<ssize_t>(sizeof heard)) continue;
    if (heard.ea_hdr.ar_op != htons(ARPOP_REPLY) || std::memcmp(heard.arp_spa, &address, 4) != 0)
      continue;
    std::string mac = text_of(heard.arp_sha);
    if (std::find(found.begin(), found.end(), mac) == found.end()) found.push_back(std::move(mac));
  }
  return found;
}

}  // namespace

std::optional<std::vector<std::string>> address_claims(const std::string& interface,
                                                       const std::string& address) {
  in_addr wanted{};
  if (inet_pton(AF_INET, address.c_str(), &wanted) != 1) return std::nullopt;
  const Fd fd(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP)));
  ifreq asked{};
  std::strncpy(asked.ifr_name, interface.c_str(), IFNAMSIZ - 1);
  if (!fd || ioctl(fd.get(), SIOCGIFHWADDR, &asked) != 0) return std::nullopt;
  sockaddr_ll all{};
  all.sll_family = AF_PACKET;
  all.sll_protocol = htons(ETH_P_ARP);
  all.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  all.sll_halen = ETH_ALEN;
  std::memset(all.sll_addr, 0xff, ETH_ALEN);
  const ether_arp probe =
      probe_for(wanted, reinterpret_cast<const unsigned char*>(asked.ifr_hwaddr.sa_data));
  const auto* to = reinterpret_cast<const sockaddr*>(&all);
  if (bind(fd.get(), to, sizeof all) != 0 ||
      sendto(fd.get(), &probe, sizeof probe, 0, to, sizeof all) < 0)
    return std::nullopt;
  return answers(fd.get(), wanted);
}

}  // namespace tandemq::failover
