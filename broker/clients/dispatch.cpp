#include "broker/clients/dispatch.h"

#include "broker/clients/client_log.h"
#include "broker/clients/limits.h"

namespace tandemq::broker {

using mqtt::PacketType;

void Dispatch::handle(Client& client, const mqtt::Packet& packet) {
  if (packet.type == PacketType::connect) return begin(client, packet.connect);
  if (client.stage() == Stage::exchanging) return exchange_.take(client, packet);
  if (packet.type != PacketType::disconnect && comes_too_early(client)) return;
  if (client.fed && packet.type != PacketType::disconnect) end_feed(client);
  command(client, packet);
  deliverer_.put(effects_);
}

void Dispatch::begin(Client& client, const mqtt::Connect& packet) {
  if (packet.properties.has(mqtt::Property::authentication_method))
    return exchange_.begin(client, packet);
  connect_.begin(client, packet);
}

// [MQTT-3.1.2-30]: who named a method says nothing else until CONNACK has come.
bool Dispatch::comes_too_early(Client& client) {
  if (!client.enhanced || client.greeted) return false;
  log_client(LogLevel::notice, "client_closed", client, "disconnected due to protocol error");
  stages_.dismiss(client, mqtt::Reason::protocol_error);
  return true;
}

void Dispatch::handle(Client& client, const mqtt::AckRun& run) {
  if (comes_too_early(client)) return;
  if (client.fed) end_feed(client);
  reign_.engine->answers(client.origin(), run, turn_.now(), effects_);
  deliverer_.put(effects_);
}

void Dispatch::discard(Client& client, const mqtt::Publish& packet) {
  if (comes_too_early(client)) return;
  if (client.fed) end_feed(client);
  reign_.engine->discard(client.origin(), packet, effects_);
  deliverer_.put(effects_);
}

// It has said something else: it has all that it was fed.
void Dispatch::end_feed(Client& client) {
  reign_.engine->fed(*client.fed, effects_);
  client.fed.reset();
}

void Dispatch::command(Client& client, const mqtt::Packet& packet) {
  core::Engine& engine = *reign_.engine;
  const TimeMs now = turn_.now();
  switch (packet.type) {
    case PacketType::publish:
      engine.publish(client.origin(), packet.publish, now, effects_);
      client.unacknowledged += packet.publish.qos == 1;
      counters_.payload_bytes_received += packet.publish.payload.size();
      return;
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp:
      return engine.answer(client.origin(), packet.type, packet.ack, now, effects_);
    case PacketType::subscribe:
      return subscribe(client, packet.subscribe);
    case PacketType::unsubscribe:
      return engine.unsubscribe(client.origin(), packet.unsubscribe, now, effects_);
    case PacketType::pingreq:
      return answer_ping(client);
    case PacketType::disconnect:
      return disconnect(client, packet.disconnect);
    case PacketType::auth:
      return exchange_.renew(client, packet.auth);
    case PacketType::connect:
    case PacketType::connack:
    case PacketType::suback:
    case PacketType::unsuback:
    case PacketType::pingresp:  // the decoder refuses these from a client
      return;
  }
}

void Dispatch::subscribe(Client& client, const mqtt::Subscribe& packet) {
  client.feed = reign_.engine->subscribe(client.origin(), packet, turn_.now(), effects_);
  if (client.feed) take_from_feed(client);
}

void Dispatch::feed(Client& client) {
  take_from_feed(client);
  deliverer_.put(effects_);
}

void Dispatch::take_from_feed(Client& client) {
  if (reign_.engine->feed(*client.feed, kFeedPerCallback, turn_.now(), effects_)) {
    client.fed = std::move(client.feed);
  }
}

// Among the effects, so that it comes after those of earlier packets.
void Dispatch::answer_ping(const Client& client) {
  core::Effect& effect = effects_.emplace_back();
  effect.kind = core::EffectKind::pingresp;
  effect.conn = client.id;
}

void Dispatch::disconnect(Client& client, const mqtt::Disconnect& packet) {
  if (!reign_.engine->disconnect(client.origin(), packet, turn_.now(), effects_)) return;
  log_client(LogLevel::notice, "client_disconnected", client, "disconnected");
  stages_.departs(client);
}

}  // namespace tandemq::broker
