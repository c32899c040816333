// Packets to commands.
#include <cstring>

#include "broker/shell/client_limits.h"
#include "broker/shell/client_names.h"
#include "broker/shell/clients.h"
#include "broker/support/log.h"

namespace tandemq::broker {

void Clients::dispatch(Connection& connection) {
  const core::Origin from{connection.id, connection.session, connection.unacknowledged};
  const TimeMs now = turn_.now();
  switch (packet_.type) {
    case mqtt::PacketType::publish:
      engine_->publish(from, packet_.publish, now, effects_);
      connection.unacknowledged += packet_.publish.qos == 1;
      counters_.payload_bytes_received += packet_.publish.payload.size();
      break;
    case mqtt::PacketType::puback:
      engine_->puback(from, packet_.ack, now, effects_);
      break;
    case mqtt::PacketType::pubrec:
      engine_->pubrec(from, packet_.ack, now, effects_);
      break;
    case mqtt::PacketType::pubrel:
      engine_->pubrel(from, packet_.ack, now, effects_);
      break;
    case mqtt::PacketType::pubcomp:
      engine_->pubcomp(from, packet_.ack, now, effects_);
      break;
    case mqtt::PacketType::subscribe:
      connection.feed = engine_->subscribe(from, packet_.subscribe, now, effects_);
      if (connection.feed) feed(connection);
      break;
    case mqtt::PacketType::unsubscribe:
      engine_->unsubscribe(from, packet_.unsubscribe, now, effects_);
      break;
    case mqtt::PacketType::pingreq:
      answer(connection, core::EffectKind::pingresp, mqtt::Reason::success);
      break;
    case mqtt::PacketType::connect:
      return connect(connection, packet_.connect);
    case mqtt::PacketType::disconnect:
      return disconnect(connection, packet_.disconnect);
    default:  // AUTH: no method was agreed on (5.0 section 4.12); others are refused by the decoder
      encode_disconnect(connection, mqtt::Reason::protocol_error, "AUTH without method");
      return lose(connection, Ending::linger, "client_closed",
                  "disconnected due to protocol error");
  }
  put(effects_);
}

// Sends the next of the retained messages that a SUBSCRIBE asked for.
void Clients::feed(Connection& connection) {
  if (engine_->feed(*connection.feed, kFeedPerCallback, turn_.now(), effects_)) {
    connection.feed.reset();
  }
}

// Not while the socket is full and the last ones are still unsent.
bool Clients::may_feed(const Connection& connection) const {
  return !connection.blocked || connection.unsent->left() <= kUnsentFeedMax;
}

// Puts up an effect of the shell's own in the order of the engine's.
void Clients::answer(Connection& connection, core::EffectKind kind, mqtt::Reason reason) {
  core::Effect& effect = effects_.emplace_back();
  effect.kind = kind;
  effect.reason = reason;
  effect.conn = connection.id;
}

void Clients::connect(Connection& connection, const mqtt::Connect& packet) {
  std::string assigned;
  if (packet.client_id.empty()) assigned = random_client_id();
  const std::string_view name = packet.client_id.empty() ? assigned : packet.client_id;
  connection.client_id = std::make_unique<char[]>(name.size() + 1);
  std::memcpy(connection.client_id.get(), name.data(), name.size());

  connection.keep_alive_s = packet.keep_alive_s;
  connection.client_packet_max = packet.properties.maximum_packet_size;
  const mqtt::Reason reason = authenticator_.check(packet);
  if (reason != mqtt::Reason::success) {
    ++counters_.refused_auth;
    log(LogLevel::notice, "client_refused",
        {{"address", peer_name(connection.fd())},
         {"text", std::string("Client ") + connection.name() + " disconnected, not authorised."}});
    answer(connection, core::EffectKind::connack, reason);
    answer(connection, core::EffectKind::close, reason);
    return put(effects_);
  }
  const core::SessionId session =
      engine_->connect({connection.id, packet, assigned}, turn_.now(), effects_);
  if (session != core::kNoSession) {
    connection.session = session;
    connection.stage = Stage::serving;
    connection.check_s = 0;
    if (connection.keep_alive_s) deadlines_.set(connection, turn_.seconds() + 1);
    if (counters_.connects++ == connects_before_reign_) first_connect_ns_ = monotonic_ns();
    log_connect(connection, packet);
  }
  put(effects_);
}

void Clients::log_connect(const Connection& connection, const mqtt::Connect& packet) const {
  if (!log_enabled(LogLevel::notice)) return;
  const std::string user =
      packet.has_username ? ", u'" + std::string(packet.username) + "'" : std::string();
  log(LogLevel::notice, "client_connected",
      {{"text", "New client connected from " + peer_name(connection.fd()) + " as " +
                    connection.name() + " (p" + std::to_string(static_cast<int>(packet.version)) +
                    ", c" + (packet.clean_start ? "1" : "0") + ", k" +
                    std::to_string(packet.keep_alive_s) + user + ")."}});
}

void Clients::disconnect(Connection& connection, const mqtt::Disconnect& packet) {
  const bool accepted =
      engine_->disconnect({connection.id, connection.session}, packet, turn_.now(), effects_);
  if (accepted) {
    log(LogLevel::notice, "client_disconnected",
        {{"text", std::string("Client ") + connection.name() + " disconnected."}});
    begin_closing(connection);
  }
  put(effects_);
  if (accepted) finish_closing(connection);
}

}  // namespace tandemq::broker
