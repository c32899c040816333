// The broker's side of a node: turns of client commands, effects that wait for their commit, and
// what the checker has to know of it.
#include <algorithm>
#include <utility>

#include "broker/base/crc32c.h"
#include "tests/sim/node_process.h"

namespace tandemq::sim {
namespace {

constexpr TimeUs kTurnDelayMax = 300;
constexpr unsigned kStateEvery = 8;  // turns between two comparisons of the whole state

mqtt::Connect connect_packet(const Request& request) {
  mqtt::Connect packet;
  packet.version = mqtt::Version::v5;
  packet.client_id = request.text;
  packet.keep_alive_s = 30;
  packet.properties.session_expiry_s = core::kNeverExpires;
  packet.properties.mark(mqtt::Property::session_expiry);
  packet.has_will = request.has_will;
  packet.will.topic = "gone";
  packet.will.payload = request.text;
  packet.will.qos = 1;
  return packet;
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
  return running() && process_->serving;
}

core::ConnId Node::accept(std::uint64_t client) {
  process_->connections[++last_conn_] = {client, core::kNoSession};
  return last_conn_;
}

void Node::request(core::ConnId conn, Request request) {
  if (!serving() || !process_->connections.contains(conn)) return;
  process_->inbox.emplace_back(conn, std::move(request));
  if (std::exchange(process_->turn_due, true)) return;
  later(place_.random.between(0, kTurnDelayMax), [this] { turn(); });
}

void Node::client_gone(core::ConnId conn) {
  if (!serving()) return;
  const auto found = process_->connections.find(conn);
  if (found == process_->connections.end()) return;
  ++deaths_seen_;
  process_->engine->disconnected({conn, found->second.session}, pair_time(), process_->effects);
  process_->connections.erase(conn);
  end_turn();
}

void Node::turn() {
  Process& p = *process_;
  p.turn_due = false;
  if (!p.serving) return p.inbox.clear();
  for (auto& [conn, request] : std::exchange(p.inbox, {})) {
    if (p.connections.contains(conn)) serve(conn, request);
  }
  end_turn();
}

void Node::connect(core::ConnId conn, const Request& request) {
  Process& p = *process_;
  const mqtt::Connect packet = connect_packet(request);
  p.connections.at(conn).session = p.engine->connect({conn, packet, ""}, pair_time(), p.effects);
}

void Node::serve(core::ConnId conn, const Request& request) {
  Process& p = *process_;
  const TimeMs now = pair_time();
  const core::Origin from{conn, p.connections.at(conn).session};
  mqtt::Ack ack;
  ack.packet_id = request.packet_id;
  switch (request.type) {
    case mqtt::PacketType::connect:
      return connect(conn, request);
    case mqtt::PacketType::publish: {
      if (config_.broken == Broken::dedup && request.dup && request.qos == 2) {
        core::Effects unseen;
        p.engine->pubrel(from, ack, now, unseen);
      }
      mqtt::Publish packet;
      packet.topic = request.text;
      packet.payload = request.payload;
      packet.packet_id = request.packet_id;
      packet.qos = request.qos;
      packet.dup = request.dup;
      packet.retain = request.retain;
      return p.engine->publish(from, packet, now, p.effects);
    }
    case mqtt::PacketType::subscribe: {
      mqtt::Subscribe packet;
      packet.packet_id = request.packet_id;
      // Retained messages with the first subscription only: a repeated one brings none twice.
      packet.filters.push_back({request.text, request.qos, false, false, 1});
      const auto feed = p.engine->subscribe(from, packet, now, p.effects);
      while (feed && !p.engine->feed(*feed, 2, now, p.effects)) {
      }
      return;
    }
    case mqtt::PacketType::puback:
      return p.engine->puback(from, ack, now, p.effects);
    case mqtt::PacketType::pubrec:
      return p.engine->pubrec(from, ack, now, p.effects);
    case mqtt::PacketType::pubrel:
      return p.engine->pubrel(from, ack, now, p.effects);
    case mqtt::PacketType::pubcomp:
      return p.engine->pubcomp(from, ack, now, p.effects);
    default:
      return;
  }
}

Lsn Node::append(core::Kind kind, std::string_view body) {
  return process_->journal->append(process_->replica.epoch(), static_cast<std::uint16_t>(kind),
                                   body);
}

// One journal append, one step of the machine, then what is free goes out.
void Node::end_turn() {
  Process& p = *process_;
  for (core::Effect& effect : std::exchange(p.effects, {})) {
    const bool taken_over = effect.reason == mqtt::Reason::session_taken_over;
    if (effect.kind == core::EffectKind::disconnect && taken_over) ++deaths_seen_;
    p.outbox.hold(std::move(effect));
  }
  const Lsn last = p.journal->figures().last;
  if (last > p.replica.last()) step(repl::event::Appended{last});
  if (++p.turns % kStateEvery == 0) note_state(last);
  core::Effects free;
  p.outbox.release(config_.broken == Broken::commit ? last : p.released, free);
  release(free);
}

void Node::release(core::Effects& effects) {
  if (config_.broken == Broken::order) std::reverse(effects.begin(), effects.end());
  for (const core::Effect& effect : effects) answer(effect);
}

void Node::answer(const core::Effect& effect) {
  Process& p = *process_;
  const auto found = p.connections.find(effect.conn);
  if (found == p.connections.end()) return;
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
    place_.checker.released(name_, p.replica.epoch(), effect.after);
  }
  const std::uint64_t client = found->second.client;
  if (reply.closed) p.connections.erase(found);
  place_.to_client(client, effect.conn, std::move(reply));
}

void Node::stop_serving() {
  Process& p = *process_;
  p.serving = false;
  p.inbox.clear();
  p.outbox.drop_all();
  for (const auto& [conn, connection] : std::exchange(p.connections, {})) {
    Reply reply;
    reply.closed = true;
    place_.to_client(connection.client, conn, reply);
  }
}

void Node::committed(Lsn lsn) {
  Process& p = *process_;
  std::string frames;
  const Lsn from = std::max(p.released + 1, p.journal->figures().first);
  const auto read = p.journal->read(from, ~std::size_t{0}, frames);
  repl::FrameView frame;
  for (std::string_view left = frames;
       read && repl::read_frame(left, frame) == repl::FrameRead::frame && frame.lsn <= lsn;
       left.remove_prefix(frame.bytes.size())) {
    place_.checker.committed(name_, frame.lsn, frame.epoch, crc32c(frame.bytes));
  }
  if (lsn <= p.released) place_.checker.violate(name_ + ": committed went back");
  p.released = lsn;
  core::Effects free;
  p.outbox.release(lsn, free);
  release(free);
}

// The machine is about to begin a reign behind its last record: all that was committed is there.
void Node::check_reign() {
  Process& p = *process_;
  const repl::JournalFigures figures = p.journal->figures();
  const Lsn last = place_.checker.committed_last();
  if (figures.last < last) {
    return place_.checker.violate(name_ + " reigns after record " + std::to_string(figures.last) +
                                  ", committed were records up to " + std::to_string(last));
  }
  p.journal->flush();
  const Lsn from = figures.first == 0 ? figures.last + 1 : figures.first;
  p.released = 0;
  std::string frames;
  if (!p.journal->read(from, ~std::size_t{0}, frames)) return;
  repl::FrameView frame;
  for (std::string_view left = frames;
       repl::read_frame(left, frame) == repl::FrameRead::frame && frame.lsn <= last;
       left.remove_prefix(frame.bytes.size())) {
    place_.checker.reigns_with(name_, frame.lsn, crc32c(frame.bytes));
  }
}

void Node::note_state(Lsn lsn) {
  Process& p = *process_;
  if (p.state.meta().lsn != lsn) return;
  place_.checker.state(name_, lsn, p.state.meta().epoch, p.state.hash());
}

// From the front of `frames`, which may be to_apply itself; what was applied leaves it.
bool Node::apply_frames(std::string_view frames, Lsn through) {
  Process& p = *process_;
  const bool own = frames.data() == p.to_apply.data();
  const std::size_t before = frames.size();
  repl::FrameView frame;
  bool ok = true;
  while (ok && repl::read_frame(frames, frame) == repl::FrameRead::frame && frame.lsn <= through) {
    const bool skip = config_.broken == Broken::apply && frame.kind == 24 && frame.lsn % 7 == 0;
    if (!skip) {
      const Status applied =
          p.state.apply_encoded(frame.lsn, static_cast<core::Kind>(frame.kind), frame.body);
      ok = bool(applied);
      if (!ok) place_.checker.violate(name_ + ": " + applied.error().message);
    }
    if (place_.checker.knows_state(frame.lsn, frame.epoch)) note_state(frame.lsn);
    frames.remove_prefix(frame.bytes.size());
  }
  if (own) p.to_apply.erase(0, before - frames.size());
  return ok;
}

}  // namespace tandemq::sim
