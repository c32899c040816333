#include "failover/shell/announcer.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "broker/support/log.h"

namespace tandemq::failover {
namespace {

constexpr std::uint64_t kRoundsMs[] = {30, 70, 200, 500};
constexpr unsigned char kBroadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr unsigned char kAllNodesMac[6] = {0x33, 0x33, 0, 0, 0, 1};
constexpr unsigned char kAllNodes[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

void put16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8 & 0xff);
  out += static_cast<char>(value & 0xff);
}
void put(std::string& out, const unsigned char* bytes, std::size_t size) {
  out.append(reinterpret_cast<const char*>(bytes), size);
}

// The Internet checksum over an even number of bytes.
unsigned checksum(std::string_view data) {
  unsigned sum = 0;
  for (std::size_t i = 0; i + 1 < data.size(); i += 2) {
    sum += static_cast<unsigned>(static_cast<unsigned char>(data[i]) << 8 |
                                 static_cast<unsigned char>(data[i + 1]));
  }
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

}  // namespace

std::string gratuitous_arp(const unsigned char mac[6], const HostAddress& address) {
  std::string arp;
  put16(arp, 1);         // Ethernet
  put16(arp, ETH_P_IP);  // for IPv4
  arp += "\x06\x04";     // lengths of the addresses
  put16(arp, 1);         // request
  put(arp, mac, 6);
  put(arp, address.bytes, 4);
  put(arp, kBroadcast, 6);
  put(arp, address.bytes, 4);
  return arp;
}

std::string neighbour_advertisement(const unsigned char mac[6], const HostAddress& address) {
  std::string body;
  put16(body, 136 << 8);  // neighbour advertisement, code 0
  put16(body, 0);         // checksum, set below
  put16(body, 0x2000);    // override
  put16(body, 0);
  put(body, address.bytes, 16);
  body += "\x02\x01";  // target link-layer address, 8 bytes
  put(body, mac, 6);
  std::string pseudo;
  put(pseudo, address.bytes, 16);
  put(pseudo, kAllNodes, 16);
  put16(pseudo, 0);
  put16(pseudo, static_cast<unsigned>(body.size()));
  put16(pseudo, 0);
  put16(pseudo, IPPROTO_ICMPV6);
  const unsigned sum = checksum(pseudo + body);
  body[2] = static_cast<char>(sum >> 8);
  body[3] = static_cast<char>(sum & 0xff);
  std::string packet;
  put16(packet, 0x6000);
  put16(packet, 0);
  put16(packet, static_cast<unsigned>(body.size()));
  packet += static_cast<char>(IPPROTO_ICMPV6);
  packet += static_cast<char>(255);  // hop limit: not forwarded by any router
  put(packet, address.bytes, 16);
  put(packet, kAllNodes, 16);
  return packet + body;
}

Announcer::Announcer(event_base* base, std::string interface,
                     const std::vector<std::string>& addresses, std::function<bool()> holds)
    : interface_(std::move(interface)), holds_(std::move(holds)), timer_(base, [this] {
        if (holds_()) send_all();
        if (++round_ < std::size(kRoundsMs)) timer_.once(kRoundsMs[round_]);
      }) {
  for (const std::string& text : addresses) {
    if (const Result<HostAddress> address = parse_address(text)) addresses_.push_back(*address);
  }
}

void Announcer::announce() {
  send_all();
  round_ = 0;
  timer_.once(kRoundsMs[0]);
}

void Announcer::send_all() {
  const Fd fd(socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, interface_.c_str(), sizeof(request.ifr_name) - 1);
  if (!fd || ioctl(fd.get(), SIOCGIFHWADDR, &request) != 0) {
    return log(LogLevel::warning, "not_announced",
               {{"reason", std::strerror(errno)}, {"remedy", "the agent needs CAP_NET_RAW"}});
  }
  const auto* mac = reinterpret_cast<const unsigned char*>(request.ifr_hwaddr.sa_data);
  for (const HostAddress& address : addresses_) {
    const bool v4 = address.family == AF_INET;
    const std::string packet =
        v4 ? gratuitous_arp(mac, address) : neighbour_advertisement(mac, address);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_protocol = htons(v4 ? ETH_P_ARP : ETH_P_IPV6);
    to.sll_ifindex = static_cast<int>(if_nametoindex(interface_.c_str()));
    to.sll_halen = 6;
    std::memcpy(to.sll_addr, v4 ? kBroadcast : kAllNodesMac, 6);
    // An interface that is down has no neighbours to tell.
    sendto(fd.get(), packet.data(), packet.size(), MSG_DONTWAIT,
           reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  }
}

}  // namespace tandemq::failover
