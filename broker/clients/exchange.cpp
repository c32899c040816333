#include "broker/clients/exchange.h"

#include <memory>
#include <string>
#include <utility>

#include "broker/base/check.h"
#include "broker/clients/client_log.h"

namespace tandemq::broker {
namespace {

using mqtt::PacketType;
using mqtt::Reason;

constexpr const char* kOtherMethod = "its AUTH names another authentication method";

// CONNACK has codes that DISCONNECT lacks.
Reason code_of_disconnect(Reason reason) {
  return reason == Reason::bad_username_or_password ? Reason::not_authorized : reason;
}

}  // namespace

void ExchangeStage::begin(Client& client, const mqtt::Connect& packet) {
  connect_.introduce(client, packet);
  const std::string method(packet.properties.authentication_method);
  std::unique_ptr<Exchange> exchange = authenticator_.exchange(
      Credentials(client.entrance.door, packet, client.channel.peer_certificate(),
                  client.channel.peer_address()),
      method);
  if (!exchange) {
    return connect_.refuse(client, packet.username,
                           {Reason::bad_authentication_method,
                            "its authentication method is not offered by this listener"});
  }
  client.enhanced = std::make_unique<Enhanced>();
  client.enhanced->word.method = method;
  client.enhanced->exchange = std::move(exchange);
  stages_.exchange(client);
  step(client, packet.properties.authentication_data);
}

void ExchangeStage::take(Client& client, const mqtt::Packet& packet) {
  if (packet.type == PacketType::disconnect) {
    log_client(LogLevel::info, "client_lost", client, "left before it was let in");
    return stages_.departs(client);
  }
  if (packet.type != PacketType::auth)
    return refuse(client, Reason::protocol_error, "it sent something else than AUTH");
  if (packet.auth.properties.authentication_method != client.enhanced->word.method)
    return refuse(client, Reason::bad_authentication_method, kOtherMethod);
  if (packet.auth.reason != Reason::continue_authentication)
    return refuse(client, Reason::protocol_error, "it wants to prove itself anew before CONNACK");
  step(client, packet.auth.properties.authentication_data);
}

void ExchangeStage::renew(Client& client, const mqtt::Auth& packet) {
  if (!client.enhanced) return dismiss(client, Reason::protocol_error, "AUTH without method");
  Enhanced& own = *client.enhanced;
  if (packet.properties.authentication_method != own.word.method)
    return dismiss(client, Reason::bad_authentication_method, kOtherMethod);
  const bool begins = packet.reason == Reason::reauthenticate;
  if (begins == (own.exchange != nullptr)) {
    return dismiss(client, Reason::protocol_error,
                   begins ? "AUTH begins anew in the middle of an exchange"
                          : "AUTH goes on where no exchange was begun");
  }
  if (begins) {
    mqtt::Connect as;  // the one that it is
    as.has_username = true;
    as.username = client.pass->username;
    as.client_id = client.name();
    own.exchange = authenticator_.exchange(
        Credentials(client.entrance.door, as, client.channel.peer_certificate(),
                    client.channel.peer_address()),
        own.word.method);
  }
  step(client, packet.properties.authentication_data);
}

void ExchangeStage::step(Client& client, std::string_view data) {
  Enhanced& own = *client.enhanced;
  Exchange::Step said = own.exchange->take(data);
  own.word.data = std::move(said.data);
  if (!said.verdict) return ask(client);
  const std::unique_ptr<Exchange> over = std::move(own.exchange);
  client.stage() == Stage::serving ? come_again(client, *over, *said.verdict)
                                   : come_in(client, *over, *said.verdict);
}

void ExchangeStage::ask(Client& client) {
  if (writer_.auth(client, Reason::continue_authentication)) return;
  constexpr const char* kTooLarge = "AUTH is larger than it takes";
  if (client.stage() == Stage::serving) return dismiss(client, Reason::packet_too_large, kTooLarge);
  refuse(client, Reason::packet_too_large, kTooLarge);
}

// Its CONNECT is decoded again, now that it counts.
void ExchangeStage::come_in(Client& client, const Exchange& over, const Verdict& verdict) {
  if (verdict.reason != Reason::success) return connect_.refuse(client, over.user(), verdict);
  const std::string bytes = std::exchange(client.enhanced->connect, {});
  mqtt::Decoder decoder;
  mqtt::Packet packet;
  std::size_t used = 0;
  TMQ_CHECK(decoder.decode(bytes, packet, used) == mqtt::Decoded::packet);
  connect_.settle(client, packet.connect, verdict);
}

void ExchangeStage::come_again(Client& client, const Exchange& over, const Verdict& verdict) {
  if (verdict.reason != Reason::success) {
    ++counters_.refused_auth;
    log_refused(client, over.user(), verdict);
    return stages_.dismiss(client, code_of_disconnect(verdict.reason),
                           "it has not proven anew who it is");
  }
  if (!writer_.auth(client, Reason::success))
    return dismiss(client, Reason::packet_too_large, "AUTH is larger than it takes");
  log_client(LogLevel::info, "client_proven_anew", client, "has proven anew who it is");
}

void ExchangeStage::refuse(Client& client, Reason reason, const char* why) {
  connect_.refuse(client, client.enhanced->exchange ? client.enhanced->exchange->user() : "",
                  {reason, why});
}

void ExchangeStage::dismiss(Client& client, Reason reason, const char* why) {
  log_client(LogLevel::notice, "client_closed", client, "disconnected due to protocol error");
  stages_.dismiss(client, reason, why);
}

}  // namespace tandemq::broker
