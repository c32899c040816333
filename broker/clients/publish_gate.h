// Which PUBLISH may come in now. A client above its rate, and everybody while memory is tight, is
// not read from at its next PUBLISH; what comes before that is served. QoS 0 above the rate is
// dropped and counted instead: nobody waits for its answer.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/clients/counters.h"
#include "broker/clients/memory_ceiling.h"
#include "broker/clients/turn_share.h"

namespace tandemq::broker {

class PublishGate {
 public:
  enum class Passage : std::uint8_t { pass, wait, drop };

  // All outlive it.
  PublishGate(const net::ConnectionLimits& limits, ClientTable& table, TurnShare& share,
              const Turn& turn, ClientCounters& counters)
      : limits_(limits), table_(table), share_(share), turn_(turn), counters_(counters) {}

  // Of the packet that begins with this byte.
  Passage ask(Client& client, char first_byte) {
    if (!paced() && memory_ == MemoryState::ample) return Passage::pass;
    return decide(client, first_byte);
  }
  // A PUBLISH of so many bytes was taken.
  void taken(Client& client, std::size_t bytes);
  // One that was to be dropped has come whole.
  void dropped(Client& client);
  // It is not read from until resume() lets it.
  void hold(Client& client);

  void memory(MemoryState state) { memory_ = state; }
  // Lets go on whose time has come; call ten times a second. While memory is tight a few may send
  // one PUBLISH each, so that acknowledgements behind it come through.
  void resume();
  void reset() { waiting_.clear(); }

 private:
  bool paced() const { return limits_.publishes_per_s != 0 || limits_.publish_bytes_per_s != 0; }
  bool over_rate(const Client& client) const;
  Passage decide(Client& client, char first_byte);
  void tell(Client& client, bool dropped);

  const net::ConnectionLimits& limits_;
  ClientTable& table_;
  TurnShare& share_;
  const Turn& turn_;
  ClientCounters& counters_;
  MemoryState memory_ = MemoryState::ample;
  std::vector<core::ConnId> waiting_;
};

}  // namespace tandemq::broker
