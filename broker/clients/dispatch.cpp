#include "broker/clients/dispatch.h"

#include "broker/clients/client_log.h"
#include "broker/clients/limits.h"

namespace tandemq::broker {

using mqtt::PacketType;

void Dispatch::handle(Client& client, const mqtt::Packet& packet) {
  if (packet.type == PacketType::connect) return connect_.begin(client, packet.connect);
  if (client.fed && packet.type != PacketType::disconnect) end_feed(client);
  command(client, packet);
  deliverer_.put(effects_);
}

void Dispatch::handle(Client& client, const mqtt::AckRun& run) {
  if (client.fed) end_feed(client);
  reign_.engine->answers(client.origin(), run, turn_.now(), effects_);
  deliverer_.put(effects_);
}

void Dispatch::discard(Client& client, const mqtt::Publish& packet) {
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
    case PacketType::auth:  // no method was agreed on (5.0 section 4.12)
      log_client(LogLevel::notice, "client_closed", client, "disconnected due to protocol error");
      return stages_.dismiss(client, mqtt::Reason::protocol_error, "AUTH without method");
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
