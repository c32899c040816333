// The states of the failover machine. docs/failover-table.md is printed from the table.
#pragma once

#include <cstdint>

namespace tandemq::failover {

enum class Phase : std::uint8_t {
  starting,          // the broker has not been seen yet
  waiting_for_peer,  // no primary is known: who it shall be is being asked
  out_of_sync,       // there is a primary, and this node could not replace it without loss
  standby,           // in sync, follows the primary, may take over
  asking,            // the primary is gone: authority to take over is being asked
  promoting,         // authority is here, the broker has its order
  primary,           // serves: paired, resyncing or solo
  waiting,           // primary without its standby: authority to go on alone is being asked
  switching,         // planned hand-over to the peer
  demoting,          // the broker is told to stop serving
  killing,           // the broker hangs: it is killed before anybody else may serve
  released,          // was primary, serves no more, the peer may take over at once
  broker_down,       // no broker process, and nothing to hand over
  fenced             // the broker refuses to serve until the operator has looked at it
};
constexpr unsigned kPhases = 14;
const char* to_string(Phase phase);
const char* describe(Phase phase);

// May keepalived hold the address here?
enum class Eligible : std::uint8_t { no, yes, keep, unless_peer_can };
Eligible eligible_in(Phase phase);
const char* to_string(Eligible eligible);

}  // namespace tandemq::failover
