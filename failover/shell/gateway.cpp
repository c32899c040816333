#include "failover/shell/gateway.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "broker/base/exit_code.h"

namespace tandemq::failover {
namespace {

constexpr int kLostMax = 3;

unsigned short checksum(const unsigned char* data, std::size_t size) {
  unsigned sum = 0;
  for (std::size_t i = 0; i + 1 < size; i += 2)
    sum += static_cast<unsigned>(data[i] << 8 | data[i + 1]);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return htons(static_cast<unsigned short>(~sum));
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::open(event_base* base, const std::string& address,
                                               std::uint64_t interval_ms,
                                               std::function<void(bool)> changed) {
  const Result<HostAddress> host = parse_address(address);
  if (!host) return host.error();
  std::unique_ptr<Gateway> gateway(new Gateway(base, std::move(changed)));
  const bool v6 = host->family == AF_INET6;
  const Result<SocketAddress> peer =
      parse_socket_address(v6 ? "[" + address + "]:1" : address + ":1");
  if (!peer) return peer.error();
  gateway->peer_ = *peer;
  if (v6) reinterpret_cast<sockaddr_in6&>(gateway->peer_.address).sin6_port = 0;
  const int protocol = v6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
  gateway->fd_.reset(socket(host->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!gateway->fd_) {
    gateway->raw_ = true;
    gateway->fd_.reset(socket(host->family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  }
  if (!gateway->fd_ ||
      connect(gateway->fd_.get(), reinterpret_cast<const sockaddr*>(&gateway->peer_.address),
              gateway->peer_.size) != 0) {
    return Error{"cannot ask the gateway " + address + ": " + std::strerror(errno) +
                     "; allow ping sockets (net.ipv4.ping_group_range) or CAP_NET_RAW, or leave "
                     "failover.gateway empty",
                 kExitEnvironment};
  }
  Gateway* raw = gateway.get();
  gateway->readable_ = std::make_unique<Readable>(base, gateway->fd_.get(), [raw] { raw->read(); });
  gateway->timer_.every(interval_ms);
  return gateway;
}

void Gateway::probe() {
  if (++unanswered_ > kLostMax && answers_) {
    answers_ = false;
    changed_(false);
  }
  unsigned char packet[8] = {};
  const bool v6 = peer_.address.ss_family == AF_INET6;
  packet[0] =
      v6 ? static_cast<unsigned char>(ICMP6_ECHO_REQUEST) : static_cast<unsigned char>(ICMP_ECHO);
  const unsigned short id = htons(static_cast<unsigned short>(getpid()));
  const unsigned short number = htons(++sequence_);
  std::memcpy(packet + 4, &id, 2);
  std::memcpy(packet + 6, &number, 2);
  if (!v6) {
    const unsigned short sum = checksum(packet, sizeof(packet));
    std::memcpy(packet + 2, &sum, 2);
  }
  // What cannot be sent is not answered either.
  if (send(fd_.get(), packet, sizeof(packet), MSG_DONTWAIT) < 0) return;
}

void Gateway::read() {
  unsigned char buffer[512];
  ssize_t size = 0;
  while ((size = recv(fd_.get(), buffer, sizeof(buffer), MSG_DONTWAIT)) >= 0) {
    const bool v6 = peer_.address.ss_family == AF_INET6;
    const ssize_t skip = raw_ && !v6 ? (buffer[0] & 15) * 4 : 0;  // raw IPv4 comes with its header
    if (size < skip + 8) continue;
    const unsigned char type = buffer[skip];
    if (type != (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY)) continue;
    unanswered_ = 0;
    if (answers_) continue;
    answers_ = true;
    changed_(true);
  }
}

}  // namespace tandemq::failover
