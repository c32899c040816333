// The broker's side of a node: turns of client commands and effects that wait for their commit.
#include <algorithm>
#include <utility>

#include "broker/base/bytes.h"
#include "broker/mqtt/encode.h"
#include "tests/sim/node_life.h"

namespace tandemq::sim {
namespace {

constexpr TimeUs kTurnDelayMax = 300;
constexpr unsigned kStateEvery = 8;  // turns between two comparisons of the whole state

mqtt::Connect connect_packet(const Request& request) {
  mqtt::Connect packet;
  packet.version = request.kind.version;
  packet.clean_start = request.kind.clean;
  packet.client_id = request.text;
  packet.keep_alive_s = request.kind.keep_alive_s;
  if (packet.version == mqtt::Version::v5 && !request.kind.clean) {
    packet.properties.session_expiry_s = core::kNeverExpires;
    packet.properties.mark(mqtt::Property::session_expiry);
  }
  packet.has_will = request.kind.has_will;
  packet.will.topic = kWillTopic;
  packet.will.payload = request.text;
  packet.will.qos = 1;
  return packet;
}

mqtt::Publish publish_packet(const Request& request) {
  mqtt::Publish packet;
  packet.topic = request.text;
  packet.payload = request.payload;
  packet.packet_id = request.packet_id;
  packet.qos = request.qos;
  packet.dup = request.dup;
  packet.retain = request.retain;
  packet.properties.message_expiry_s = request.message_expiry_s;
  packet.properties.has_message_expiry = request.message_expiry_s != 0;
  return packet;
}

bool is_answer(mqtt::PacketType type) {
  return type >= mqtt::PacketType::puback && type <= mqtt::PacketType::pubcomp;
}

mqtt::PacketType type_of(core::EffectKind kind) {
  switch (kind) {
    case core::EffectKind::publish:
      return mqtt::PacketType::publish;
    case core::EffectKind::puback:
      return mqtt::PacketType::puback;
    case core::EffectKind::pubrec:
      return mqtt::PacketType::pubrec;
    case core::EffectKind::pubrel:
      return mqtt::PacketType::pubrel;
    case core::EffectKind::pubcomp:
      return mqtt::PacketType::pubcomp;
    case core::EffectKind::connack:
      return mqtt::PacketType::connack;
    case core::EffectKind::suback:
      return mqtt::PacketType::suback;
    default:
      return mqtt::PacketType::disconnect;
  }
}

}  // namespace

bool Node::serving() const {
  return running() && life_->engine;
}

bool Node::accepts() const {
  return serving() && !life_->draining;
}

core::ConnId Node::accept(std::uint64_t client) {
  life_->connections[++place_.last_conn] = {client, core::kNoSession};
  return place_.last_conn;
}

void Node::request(core::ConnId conn, Request request) {
  if (!serving() || !life_->connections.contains(conn)) return;
  life_->inbox.emplace_back(conn, std::move(request));
  if (std::exchange(life_->turn_due, true)) return;
  life_->process.after(place_.random.between(0, kTurnDelayMax), [this] { turn(); });
}

void Node::client_gone(core::ConnId conn) {
  if (!serving()) return;
  life_->process.post([this, conn] {
    const auto found = life_->connections.find(conn);
    if (!serving() || found == life_->connections.end()) return;
    if (life_->draining) {
      return life_->process.after(1 * kMs, [this, conn] { client_gone(conn); });
    }
    ++deaths_seen_;
    life_->engine->disconnected({conn, found->second.seat}, pair_time(), life_->effects);
    life_->connections.erase(conn);
    end_turn();
  });
}

void Node::turn() {
  Life& life = *life_;
  life.turn_due = false;
  if (!serving()) return life.inbox.clear();
  if (life.draining) return;
  const auto inbox = std::exchange(life.inbox, {});
  for (auto one = inbox.begin(); one != inbox.end();) {
    const auto next = std::find_if_not(one + 1, inbox.end(), [&one](const auto& other) {
      return is_answer(other.second.type) && other.first == one->first &&
             other.second.type == one->second.type;
    });
    if (life.connections.contains(one->first)) serve(one, next);
    one = next;
  }
  end_turn();
}

// More than one: answers of one kind that came from one client behind one another.
void Node::serve(Inbox::const_iterator first, Inbox::const_iterator end) {
  if (end - first == 1) return serve(first->first, first->second);
  std::string bytes;
  for (auto one = first; one != end; ++one)
    mqtt::encode_ack(bytes, mqtt::Version::v311, one->second.type, one->second.packet_id,
                     mqtt::Reason::success);
  const core::Origin from{first->first, life_->connections.at(first->first).seat};
  life_->engine->answers(from, {first->second.type, bytes}, pair_time(), life_->effects);
}

void Node::connect(core::ConnId conn, const Request& request) {
  const mqtt::Connect packet = connect_packet(request);
  const core::SeatId seat = life_->engine->connect({conn, packet, ""}, pair_time(), life_->effects);
  life_->connections.at(conn).seat = seat;
}

void Node::publish(core::Origin from, const Request& request) {
  Life& life = *life_;
  const TimeMs now = pair_time();
  if (config_.broken == Broken::dedup && request.dup && request.qos == 2) {
    mqtt::Ack ack;
    ack.packet_id = request.packet_id;
    core::Effects unseen;
    life.engine->answer(from, mqtt::PacketType::pubrel, ack, now, unseen);
  }
  life.engine->publish(from, publish_packet(request), now, life.effects);
}

void Node::serve(core::ConnId conn, const Request& request) {
  Life& life = *life_;
  core::Engine& engine = *life.engine;
  const TimeMs now = pair_time();
  const core::Origin from{conn, life.connections.at(conn).seat};
  mqtt::Ack ack;
  ack.packet_id = request.packet_id;
  switch (request.type) {
    case mqtt::PacketType::connect:
      return connect(conn, request);
    case mqtt::PacketType::publish:
      return publish(from, request);
    case mqtt::PacketType::subscribe: {
      mqtt::Subscribe packet;
      packet.packet_id = request.packet_id;
      // Retained messages with the first subscription only: a repeated one brings none twice.
      packet.filters.push_back({request.text, request.qos, false, false, 1});
      const auto feed = engine.subscribe(from, packet, now, life.effects);
      while (feed && !engine.feed(*feed, 2, now, life.effects)) {
      }
      if (feed) engine.fed(*feed, life.effects);
      return;
    }
    default:
      return engine.answer(from, request.type, ack, now, life.effects);
  }
}

Lsn Node::append(core::Kind kind, const ByteSource& body) {
  return life_->replicator->append(static_cast<std::uint16_t>(kind), body);
}

Lsn Node::prove_reign() {
  if (life_->known.pair_state == repl::PairState::solo) return 0;
  const Lsn unsent = life_->replicator->unsent();
  if (unsent != 0) return unsent;
  std::string body;
  put_le(body, pair_time());
  return append(static_cast<core::Kind>(repl::ControlKind::still_reigns), body);
}

// One journal append, one step of the machine, then what is free goes out.
void Node::end_turn() {
  Life& life = *life_;
  for (core::Effect& effect : std::exchange(life.effects, {})) {
    const bool taken_over = effect.reason == mqtt::Reason::session_taken_over;
    if (effect.kind == core::EffectKind::disconnect && taken_over) ++deaths_seen_;
    life.outbox.hold(std::move(effect));
  }
  const Lsn last = life.replicator->journal_figures().last;
  life.replicator->end_of_turn();
  if (++life.turns % kStateEvery == 0) note_state(last);
  core::Effects free;
  life.outbox.release(config_.broken == Broken::commit ? last : life.released,
                      [&free](core::Effect&& one) { free.push_back(std::move(one)); });
  release(free);
}

void Node::release(core::Effects& effects) {
  if (config_.broken == Broken::order) std::reverse(effects.begin(), effects.end());
  for (const core::Effect& effect : effects) answer(effect);
}

void Node::answer(const core::Effect& effect) {
  Life& life = *life_;
  const auto found = life.connections.find(effect.conn);
  if (found == life.connections.end()) return;
  Reply reply;
  reply.type = type_of(effect.kind);
  reply.closed =
      effect.kind == core::EffectKind::disconnect || effect.kind == core::EffectKind::close;
  if (reply.closed && effect.reason != mqtt::Reason::session_taken_over) {
    place_.checker.violate(name_ + " closed a client, reason " +
                           std::to_string(static_cast<unsigned>(effect.reason)));
  }
  reply.packet_id = effect.packet_id;
  reply.qos = effect.qos;
  reply.dup = effect.dup;
  reply.retain = effect.retain;
  reply.error = mqtt::is_error(effect.reason);
  if (reply.error) reply.reason = std::to_string(static_cast<unsigned>(effect.reason));
  if (effect.detail) reply.session_present = effect.detail->session_present;
  if (effect.message) {
    reply.topic = effect.message->topic();
    reply.payload = effect.message->payload();
  }
  if (effect.after != 0) {
    place_.checker.released(name_, life.replicator->status().epoch, effect.after);
  }
  const std::uint64_t client = found->second.client;
  if (reply.closed) life.connections.erase(found);
  place_.to_client(client, effect.conn, std::move(reply));
}

void Node::stop_serving() {
  Life& life = *life_;
  life.inbox.clear();
  life.outbox.drop_all();
  for (const auto& [conn, connection] : std::exchange(life.connections, {})) {
    Reply reply;
    reply.closed = true;
    place_.to_client(connection.client, conn, reply);
  }
}

void Node::note_state(Lsn lsn) {
  const core::State& state = life_->state;
  if (state.meta().lsn != lsn) return;
  place_.checker.state(name_, lsn, state.meta().epoch, state.hash());
}

}  // namespace tandemq::sim
