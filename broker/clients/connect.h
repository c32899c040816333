// CONNECT: who it is, whether it may, and its session.
#pragma once

#include <cstdint>
#include <functional>

#include "broker/clients/deliverer.h"

namespace tandemq::broker {

// Whether who sends this may connect: success, or why not.
using CheckAccess = std::function<mqtt::Reason(const mqtt::Connect&)>;

class ConnectStage {
 public:
  // All outlive it.
  ConnectStage(Reign& reign, Stages& stages, Deliverer& deliverer, const Turn& turn,
               ClientCounters& counters, CheckAccess check)
      : reign_(reign),
        stages_(stages),
        deliverer_(deliverer),
        turn_(turn),
        counters_(counters),
        check_(std::move(check)) {}

  // The packet's views are valid during the call only.
  void begin(Client& client, const mqtt::Connect& packet);

  void begin_reign() { first_ns_ = 0; }
  // Monotonic time of the first accepted CONNECT of this reign, 0 when there was none.
  std::uint64_t first_ns() const { return first_ns_; }

 private:
  void refuse(Client& client, mqtt::Reason reason);

  Reign& reign_;
  Stages& stages_;
  Deliverer& deliverer_;
  const Turn& turn_;
  ClientCounters& counters_;
  CheckAccess check_;
  core::Effects effects_;
  std::uint64_t first_ns_ = 0;
};

}  // namespace tandemq::broker
