// Tells the neighbours where the virtual addresses are: gratuitous ARP (RFC 5227 section 3) and
// unsolicited neighbour advertisements (RFC 4861 section 7.2.6). keepalived does so when it becomes
// master; this is for the moments that keepalived knows nothing of.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "failover/shell/loop.h"
#include "failover/shell/socket_address.h"

namespace tandemq::failover {

class Announcer {
 public:
  // `holds`: asked before each repetition.
  Announcer(event_base* base, std::string interface, const std::vector<std::string>& addresses,
            std::function<bool()> holds);

  // Now and a few times within the next second.
  void announce();

 private:
  void send_all();
  std::string interface_;
  std::vector<HostAddress> addresses_;
  std::function<bool()> holds_;
  Timer timer_;
  std::size_t round_ = 0;
};

// The packets, for the tests: an ARP request for oneself, and an IPv6 packet with its header.
std::string gratuitous_arp(const unsigned char mac[6], const HostAddress& address);
std::string neighbour_advertisement(const unsigned char mac[6], const HostAddress& address);

}  // namespace tandemq::failover
