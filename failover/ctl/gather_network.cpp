// Interfaces, addresses, the way to the peer, and the packet filter.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "failover/ctl/address_claims.h"
#include "failover/ctl/gather.h"
#include "failover/ctl/run_program.h"
#include "failover/doctor/findings.h"
#include "failover/shell/loop.h"
#include "failover/shell/socket_address.h"

namespace tandemq::failover {
namespace {

constexpr int kConnectMs = 1000;
constexpr unsigned kHeaders = 28;  // of IPv4 and ICMP

using Interfaces = std::unique_ptr<ifaddrs, decltype(&freeifaddrs)>;

Interfaces all_interfaces() {
  ifaddrs* list = nullptr;
  return {getifaddrs(&list) == 0 ? list : nullptr, &freeifaddrs};
}

const unsigned char* bytes_of(const sockaddr* address) {
  return address->sa_family == AF_INET
             ? reinterpret_cast<const unsigned char*>(
                   &reinterpret_cast<const sockaddr_in*>(address)->sin_addr)
             : reinterpret_cast<const unsigned char*>(
                   &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
}

std::string text_of(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(address->sa_family, bytes_of(address), text, sizeof text);
  return text;
}

bool is_address(const ifaddrs* one) {
  return one->ifa_addr &&
         (one->ifa_addr->sa_family == AF_INET || one->ifa_addr->sa_family == AF_INET6);
}

// The interface's own network, not the virtual address's, which comes with a mask as well.
bool is_near(const HostAddress& wanted, const ifaddrs* one) {
  if (!is_address(one) || !one->ifa_netmask || one->ifa_addr->sa_family != wanted.family)
    return false;
  const unsigned char* own = bytes_of(one->ifa_addr);
  const unsigned char* mask = bytes_of(one->ifa_netmask);
  if (std::equal(own, own + wanted.size(), wanted.bytes)) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if ((own[i] & mask[i]) != (wanted.bytes[i] & mask[i])) return false;
  return true;
}

doctor::Interface look_at_interface(const std::string& name) {
  doctor::Interface out;
  const Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq asked{};
  std::strncpy(asked.ifr_name, name.c_str(), IFNAMSIZ - 1);
  out.is_there = fd && ioctl(fd.get(), SIOCGIFFLAGS, &asked) == 0;
  out.up = out.is_there && (asked.ifr_flags & IFF_UP) != 0;
  out.carrier = out.is_there && (asked.ifr_flags & IFF_RUNNING) != 0;
  if (out.is_there && ioctl(fd.get(), SIOCGIFMTU, &asked) == 0)
    out.mtu = static_cast<unsigned>(asked.ifr_mtu);
  return out;
}

void look_at_interfaces(doctor::Facts& f) {
  const Interfaces all = all_interfaces();
  for (const ifaddrs* one = all.get(); one; one = one->ifa_next)
    if (is_address(one)) f.own_addresses.push_back(text_of(one->ifa_addr));
  if (!f.settings) return;
  f.interface = look_at_interface(f.settings->interface);
  for (const std::string& address : f.settings->virtual_addresses) {
    const Result<HostAddress> wanted = parse_address(address);
    for (const ifaddrs* one = all.get(); wanted && one; one = one->ifa_next) {
      if (f.settings->interface != one->ifa_name || !is_near(*wanted, one)) continue;
      f.same_network.push_back(address);
      break;
    }
  }
}

// The interface of the address that the kernel would send from; empty: no way there.
std::string device_to(const SocketAddress& peer) {
  const Fd fd(socket(peer.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (!fd || connect(fd.get(), reinterpret_cast<const sockaddr*>(&peer.address), peer.size) != 0 ||
      getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0)
    return "";
  const std::string wanted = text_of(reinterpret_cast<const sockaddr*>(&own));
  const Interfaces all = all_interfaces();
  for (const ifaddrs* one = all.get(); one; one = one->ifa_next)
    if (is_address(one) && text_of(one->ifa_addr) == wanted) return one->ifa_name;
  return "";
}

// With ping, as it may: two small packets, then two that fill the interface's size.
void call_peer(doctor::Facts& f, const SocketAddress& peer) {
  const std::string device = device_to(peer);
  if (device.empty()) return;
  f.devices.push_back(device);
  const std::string address = text_of(reinterpret_cast<const sockaddr*>(&peer.address));
  const auto arrives = [&](unsigned size) {
    const auto answer = run_program({"ping", "-n", "-q", "-c", "2", "-i", "0.2", "-W", "1", "-M",
                                     "do", "-s", std::to_string(size), address});
    return answer && answer->exit_code == 0;
  };
  const unsigned headers = peer.address.ss_family == AF_INET ? kHeaders : kHeaders + 20;
  const unsigned mtu = look_at_interface(device).mtu;
  if (mtu > headers && arrives(16)) f.large_packets.emplace_back(address, arrives(mtu - headers));
}

bool connects(const std::string& address, std::int64_t port) {
  const bool v6 = address.find(':') != address.npos;
  const Result<SocketAddress> peer =
      parse_socket_address((v6 ? "[" + address + "]:" : address + ":") + std::to_string(port));
  if (!peer) return false;
  const Fd fd(socket(peer->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  connect(fd.get(), reinterpret_cast<const sockaddr*>(&peer->address), peer->size);
  pollfd waiting{fd.get(), POLLOUT, 0};
  int error = 0;
  socklen_t size = sizeof error;
  return poll(&waiting, 1, kConnectMs) == 1 &&
         getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

void look_at_virtual_address(doctor::Facts& f) {
  if (!f.settings || f.settings->virtual_addresses.empty()) return;
  const std::string first = f.settings->virtual_addresses.front();
  const std::string address = first.substr(0, first.find('/'));
  if (const auto claims = address_claims(f.settings->interface, address)) {
    f.address_asked = true;
    f.address_macs = *claims;
  }
  const nlohmann::json ports =
      f.broker.is_object() ? f.broker.value("ports", nlohmann::json()) : nlohmann::json();
  if (!ports.is_array() || ports.empty()) return;
  // A listener may be bound to another address.
  f.address_connects = std::any_of(ports.begin(), ports.end(), [&](const nlohmann::json& port) {
    return port.is_number() && connects(address, port.get<std::int64_t>());
  });
}

void look_up_own_name(doctor::Facts& f) {
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0) return;
  addrinfo* found = nullptr;
  f.host_name_known = getaddrinfo(name, nullptr, nullptr, &found) == 0;
  if (found) freeaddrinfo(found);
}

}  // namespace

void gather_network(doctor::Facts& f) {
  look_at_interfaces(f);
  look_at_virtual_address(f);
  look_up_own_name(f);
  if (f.settings) {
    for (const std::string& one : f.settings->peer_addresses)
      if (const Result<SocketAddress> peer = parse_socket_address(one)) call_peer(f, *peer);
  }
  const auto filter = run_program({"nft", "-j", "list", "ruleset"});
  if (filter && filter->exit_code == 0)
    f.packet_filter = nlohmann::json::parse(filter->text, nullptr, false);
}

}  // namespace tandemq::failover
