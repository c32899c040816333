// Back-pressure: while the pair waits for its peer, effects and records pile up. Nobody is read
// from then, QoS 0 included, before memory and disk are full, until half of it is gone. The same
// pause is ordered while a switchover is under way.
#pragma once

#include <cstddef>
#include <vector>

#include "broker/clients/counters.h"
#include "broker/clients/outbox.h"
#include "broker/clients/turn_share.h"

namespace tandemq::broker {

class ReadingPause {
 public:
  // All outlive it.
  ReadingPause(ClientTable& table, TurnShare& share, const Outbox& outbox, const Turn& turn,
               ClientCounters& counters)
      : table_(table), share_(share), outbox_(outbox), turn_(turn), counters_(counters) {}

  bool on() const { return overloaded_ || ordered_; }
  bool overloaded() const { return overloaded_; }
  // The client was to be read from: it is when the pause is over.
  void hold(Client& client);

  void order(bool pause);
  // Bytes of records that are appended and not committed.
  void uncommitted(std::size_t bytes);
  // Begins or ends the pause by what waits now.
  void weigh();
  void reset();

 private:
  void resume();

  ClientTable& table_;
  TurnShare& share_;
  const Outbox& outbox_;
  const Turn& turn_;
  ClientCounters& counters_;
  std::vector<core::ConnId> held_;
  std::size_t uncommitted_bytes_ = 0;
  bool overloaded_ = false;
  bool ordered_ = false;
};

}  // namespace tandemq::broker
