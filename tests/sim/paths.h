// The two networks between the hosts as the agents use them: datagrams that may be lost, late and
// out of order. Path 0 is the service network (VRRP too), path 1 that of the replication link.
#pragma once

#include <cstdint>
#include <functional>

#include "failover/core/facts.h"
#include "failover/core/peer_session.h"
#include "tests/sim/clock.h"

namespace tandemq::sim {

struct Datagram {
  failover::Numbers numbers;
  failover::Report report;
};

class Paths {
 public:
  using Receive = std::function<void(const Datagram&)>;
  Paths(Clock& clock, Random& random) : clock_(clock), random_(random) {}
  void attach(unsigned side, Receive receive) { ends_[side] = std::move(receive); }

  // Over both paths; what arrives twice is the receiver's to notice.
  void send(unsigned from, const Datagram& datagram) {
    for (const unsigned path : {0u, 1u}) {
      if (cut[from][path] || random_.below(100) < loss_percent) continue;
      clock_.after(random_.between(100, delay_max), [this, from, datagram] {
        if (ends_[1 - from]) ends_[1 - from](datagram);
      });
    }
  }
  bool reaches(unsigned from, unsigned path) const { return !cut[from][path]; }
  // Nothing gets from either host to the other.
  bool parted() const { return cut[0][0] && cut[0][1] && cut[1][0] && cut[1][1]; }

  bool cut[2][2] = {};  // [from][path]
  unsigned loss_percent = 0;
  TimeUs delay_max = 1 * kMs;

 private:
  Clock& clock_;
  Random& random_;
  Receive ends_[2];
};

}  // namespace tandemq::sim
