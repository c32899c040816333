// A small model of keepalived on two hosts: VRRP whose priority follows what the agent claims, then
// the lower index, a track file that makes a node ineligible, and adverts that may be lost. A
// master whose address somebody removes becomes backup and soon master again. For worlds on virtual
// time.
#pragma once

#include <cstdint>
#include <functional>

#include "failover/core/facts.h"

namespace tandemq::test {

struct Keepalived {
  unsigned index = 1;
  bool alive = false;
  bool eligible = false;  // as the track file says
  unsigned claim = 0;     // ... and its word on the priority
  unsigned priority() const { return 10 + 2 * claim - index; }
  bool interface_up = true;
  bool address = false;  // on the interface, by keepalived or by the agent; a kill leaves it there
  failover::Vrrp vrrp = failover::Vrrp::fault;
  TimeMs advert_heard = 0;  // milliseconds of the world's time
  TimeMs advert_due = 0;

  // By the track file. A priority that changes begins the wait for a silent master anew.
  void told(bool now_eligible, unsigned now_claim, TimeMs now);
};

// What the network does with an advert of this node, and who is told.
struct VrrpAround {
  bool reaches = true;  // adverts get to the other host
  std::function<bool()> lost;
  std::function<void(Keepalived&, failover::Vrrp)> changed;  // vrrp has its new value
  std::function<void(Keepalived&, bool on)> address;  // keepalived puts it there, or removes it
};

// Call for each node that runs, every few milliseconds.
void keepalived_turn(Keepalived& own, Keepalived& other, TimeMs now, const VrrpAround& around);

}  // namespace tandemq::test
