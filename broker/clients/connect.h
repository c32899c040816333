// CONNECT: who it is, whether it may, and its session.
#pragma once

#include <cstdint>

#include "broker/access/authenticator.h"
#include "broker/clients/deliverer.h"

namespace tandemq::broker {

class ConnectStage {
 public:
  // All outlive it.
  ConnectStage(Reign& reign, ClientTable& table, Stages& stages, TurnShare& share,
               Deliverer& deliverer, const Turn& turn, ClientCounters& counters,
               Authenticator& authenticator, Quotas& quotas)
      : reign_(reign),
        table_(table),
        stages_(stages),
        share_(share),
        deliverer_(deliverer),
        turn_(turn),
        counters_(counters),
        authenticator_(authenticator),
        quotas_(quotas) {}

  // The packet's views are valid during the call only. The client is in stage asking after it when
  // access answers later: then the packet is to come again once the client has work put off.
  void begin(Client& client, const mqtt::Connect& packet);

  // What the other packets of its connection go by, whether it is let in or not.
  void introduce(Client& client, const mqtt::Connect& packet);
  // Who it is is decided.
  void settle(Client& client, const mqtt::Connect& packet, const Verdict& verdict);
  void refuse(Client& client, std::string_view user, const Verdict& verdict);

  void begin_reign() { first_ns_ = 0; }
  // Monotonic time of the first accepted CONNECT of this reign, 0 when there was none.
  std::uint64_t first_ns() const { return first_ns_; }

 private:
  void ask(Client& client, const mqtt::Connect& packet);
  void take_answer(core::ConnId id, const Verdict& verdict);
  // Admitted: `packet` says who it is for certain.
  void enter(Client& client, const mqtt::Connect& packet, const PassRef& pass);
  void hold(Client& client, const PassRef& pass);

  Reign& reign_;
  ClientTable& table_;
  Stages& stages_;
  TurnShare& share_;
  Deliverer& deliverer_;
  const Turn& turn_;
  ClientCounters& counters_;
  Authenticator& authenticator_;
  Quotas& quotas_;
  core::Effects effects_;
  std::uint64_t first_ns_ = 0;
};

}  // namespace tandemq::broker
