// Datagrams between the agents: 32 bytes of HMAC-SHA256 over the rest, then a JSON object. A
// datagram that is too long, not authentic or of another shape is refused without an answer. Fields
// that a reader does not know are left unread (docs/control-protocol.md, "Peer report").
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "failover/core/facts.h"
#include "failover/core/peer_session.h"

namespace tandemq::failover {

constexpr std::size_t kDatagramMax = 1200;

struct Datagram {
  std::string node;                             // sender's name
  std::string software;                         // version of its program, empty: not told
  unsigned index = 0;                           // of its node, 0 not told
  std::uint64_t wall_ms = 0;                    // its CLOCK_REALTIME, 0 not told
  std::map<std::string, std::string> settings;  // that should be equal on both
  Numbers numbers;
  Report report;
};

std::string seal(const Datagram& datagram, const std::string& secret);

enum class Unsealed : std::uint8_t { ok, forged, malformed };
Unsealed unseal(std::string_view bytes, const std::string& secret, Datagram& datagram);

}  // namespace tandemq::failover
