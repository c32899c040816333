// A client's packet becomes a command of the engine, and what the engine says to it is delivered.
#pragma once

#include "broker/clients/exchange.h"

namespace tandemq::broker {

class Dispatch {
 public:
  // All outlive it.
  Dispatch(Reign& reign, Stages& stages, Deliverer& deliverer, ConnectStage& connect,
           ExchangeStage& exchange, const Turn& turn, ClientCounters& counters)
      : reign_(reign),
        stages_(stages),
        deliverer_(deliverer),
        connect_(connect),
        exchange_(exchange),
        turn_(turn),
        counters_(counters) {}

  // The views are valid during the call only. The client may have ended after it.
  void handle(Client& client, const mqtt::Packet& packet);
  void handle(Client& client, const mqtt::AckRun& run);  // of a client that is served
  // A PUBLISH with QoS 0 that is not taken.
  void discard(Client& client, const mqtt::Publish& packet);
  // The next of the retained messages that a SUBSCRIBE asked for; client.feed is null when done.
  void feed(Client& client);

 private:
  void end_feed(Client& client);
  void begin(Client& client, const mqtt::Connect& packet);
  bool comes_too_early(Client& client);
  void command(Client& client, const mqtt::Packet& packet);
  void subscribe(Client& client, const mqtt::Subscribe& packet);
  void take_from_feed(Client& client);
  void answer_ping(const Client& client);
  void disconnect(Client& client, const mqtt::Disconnect& packet);

  Reign& reign_;
  Stages& stages_;
  Deliverer& deliverer_;
  ConnectStage& connect_;
  ExchangeStage& exchange_;
  const Turn& turn_;
  ClientCounters& counters_;
  core::Effects effects_;  // of the command at hand
};

}  // namespace tandemq::broker
