// AUTH: a client proves who it is in an exchange of packets, before its CONNACK and again while it
// is served (MQTT 5.0 section 4.12). What the packets' data say is access's matter.
#pragma once

#include <string_view>

#include "broker/access/authenticator.h"
#include "broker/clients/connect.h"

namespace tandemq::broker {

class ExchangeStage {
 public:
  // All outlive it.
  ExchangeStage(Stages& stages, PacketWriter& writer, ConnectStage& connect,
                ClientCounters& counters, Authenticator& authenticator)
      : stages_(stages),
        writer_(writer),
        connect_(connect),
        counters_(counters),
        authenticator_(authenticator) {}

  // A CONNECT that names a method. After it the client is in stage exchanging, and whoever read the
  // packet puts its bytes into client.enhanced->connect; or it has been refused.
  void begin(Client& client, const mqtt::Connect& packet);
  // Of a client in stage exchanging: AUTH goes on, DISCONNECT ends, all else comes too early.
  void take(Client& client, const mqtt::Packet& packet);
  // AUTH of a client that is served: it proves anew who it is.
  void renew(Client& client, const mqtt::Auth& packet);

 private:
  void step(Client& client, std::string_view data);
  void come_in(Client& client, const Exchange& over, const Verdict& verdict);
  void come_again(Client& client, const Exchange& over, const Verdict& verdict);
  void ask(Client& client);
  void refuse(Client& client, mqtt::Reason reason, const char* why);
  void dismiss(Client& client, mqtt::Reason reason, const char* why);

  Stages& stages_;
  PacketWriter& writer_;
  ConnectStage& connect_;
  ClientCounters& counters_;
  Authenticator& authenticator_;
};

}  // namespace tandemq::broker
