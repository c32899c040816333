// From the engine's effects to the clients: each goes at once or, when its record is not committed
// yet, waits in the outbox.
//
// What is unsent to a slow reader is bounded: QoS 0 to it is dropped; above that the window of the
// protocol bounds it, and who lets too much gather is not read from.
#pragma once

#include "broker/clients/outbox.h"
#include "broker/clients/packet_writer.h"
#include "broker/clients/reign.h"
#include "broker/clients/stages.h"
#include "broker/clients/turn_share.h"

namespace tandemq::broker {

class Deliverer {
 public:
  // All outlive it.
  Deliverer(Reign& reign, ClientTable& table, Stages& stages, PacketWriter& writer,
            TurnShare& share, const net::Traffic& traffic, const Turn& turn,
            ClientCounters& counters, std::size_t unsent_all_max)
      : reign_(reign),
        table_(table),
        stages_(stages),
        writer_(writer),
        share_(share),
        traffic_(traffic),
        turn_(turn),
        counters_(counters),
        unsent_all_max_(unsent_all_max) {}

  // Effects of one command, in order; empties `effects`.
  void put(core::Effects& effects);
  // Lets go what waited for records that are committed now.
  void release();
  // Rights have changed: what waits now is asked about once more when it may go.
  void recheck();
  // Tells the engine whose connections have ended and what was not sent, and puts what it says to
  // that.
  void settle();
  // The reign is over: what waits is never sent.
  void drop_all();

  const Outbox& outbox() const { return outbox_; }

 private:
  struct Withheld {
    core::Origin from;
    std::uint16_t packet_id;
    bool resent;
  };
  bool withhold(const core::Effect& effect);
  void condemn(const core::Effect& effect);
  void deliver(const core::Effect& effect);
  void defer(const core::Effect& effect);
  void send_now(Client& client);
  bool makes_room(Client& client, const core::Effect& effect);
  void answer(Client& client, const core::Effect& effect);
  void end(Client& client, const core::Effect& effect);

  Reign& reign_;
  ClientTable& table_;
  Stages& stages_;
  PacketWriter& writer_;
  TurnShare& share_;
  const net::Traffic& traffic_;
  const Turn& turn_;
  ClientCounters& counters_;
  const std::size_t unsent_all_max_;  // bytes to all, beyond it each client may have few
  Outbox outbox_;
  Lsn recheck_ = 0;  // effects up to it were put before rights changed
  std::vector<Withheld> withheld_;
};

}  // namespace tandemq::broker
