#include "tests/unit/core/rig.h"

#include "broker/mqtt/encode.h"

namespace tandemq::core::test {

Rig::Rig(Limits limits_, const Permissions* permissions_)
    : limits(limits_), permissions(permissions_) {
  engine = std::make_unique<Engine>(*state, log, limits, permissions, counters);
}

Client& Rig::connect(const std::string& id, ConnectOptions o) {
  mqtt::Connect packet;
  packet.version = o.version;
  packet.clean_start = o.clean;
  packet.client_id = id;
  packet.keep_alive_s = o.keep_alive_s;
  packet.username = o.username;
  packet.properties.session_expiry_s = o.expiry_s;
  packet.properties.receive_maximum = o.receive_maximum;
  packet.properties.maximum_packet_size = o.maximum_packet_size;
  if (o.will) {
    packet.has_will = true;
    packet.will = *o.will;
  }
  const ConnId conn = next_conn++;
  auto& client = clients[conn] = std::make_unique<Client>();
  client->rig = this;
  client->id = id;
  client->origin.conn = conn;
  const std::string assigned = "auto-" + std::to_string(conn);
  client->origin.seat = engine->connect({conn, packet, assigned, o.listener, o.grants}, now, out);
  settle();
  return *client;
}

void Rig::settle() {
  for (Effect& effect : out) {
    auto client = clients.find(effect.conn);
    REQUIRE(client != clients.end());
    REQUIRE(effect.after <= log.last);
    client->second->got.push_back(std::move(effect));
  }
  out.clear();
  for (; mirrored < log.records.size(); ++mirrored) {
    const Logged& one = log.records[mirrored];
    Status status = mirror->apply_encoded(one.lsn, one.kind, one.body);
    if (!status) FAIL(status.error().message);
  }
  if (check_mirror) REQUIRE(mirror->hash() == state->hash());
}

void Rig::expire() {
  while (true) {
    const TimeMs next = engine->expire(now, 3, out);
    settle();
    if (next == 0 || next > now) return;
  }
}

void Rig::fail_over() {
  settle();
  engine.reset();
  clients.clear();
  state = std::move(mirror);
  mirror = std::make_unique<State>(98);
  mirrored = 0;
  std::string body;
  encode_record(body, ReignBegan{make_epoch(++epoch, 1), now});
  const Lsn lsn = log.append(Kind::reign_began, body);
  REQUIRE(state->apply_encoded(lsn, Kind::reign_began, body));
  counters = {};
  engine = std::make_unique<Engine>(*state, log, limits, permissions, counters);
  settle();
}

const Effect* Rig::first(ConnId conn, EffectKind kind) const {
  auto client = clients.find(conn);
  if (client == clients.end()) return nullptr;
  for (const Effect& effect : client->second->got)
    if (effect.kind == kind) return &effect;
  return nullptr;
}

std::size_t Rig::records(Kind kind) const {
  std::size_t count = 0;
  for (const Logged& one : log.records) count += one.kind == kind;
  return count;
}

std::vector<Effect> Client::of(EffectKind kind) const {
  std::vector<Effect> result;
  for (const Effect& effect : got)
    if (effect.kind == kind) result.push_back(effect);
  return result;
}

std::string Client::payloads() const {
  std::string result;
  for (const Effect& effect : got) {
    if (effect.kind != EffectKind::publish) continue;
    if (!result.empty()) result += ' ';
    result += effect.message->payload();
  }
  return result;
}

const Effect& Client::last() const {
  REQUIRE_FALSE(got.empty());
  return got.back();
}

void Client::subscribe(std::string_view filter, std::uint8_t qos, std::uint32_t identifier) {
  mqtt::SubscribeFilter one;
  one.filter = filter;
  one.qos = qos;
  subscribe(one, identifier);
}

void Client::subscribe(const mqtt::SubscribeFilter& filter, std::uint32_t identifier) {
  mqtt::Subscribe packet;
  packet.packet_id = 1;
  packet.filters.push_back(filter);
  packet.properties.subscription_identifier = identifier;
  subscribe(packet);
}

void Client::subscribe(const mqtt::Subscribe& packet) {
  const auto feed = rig->engine->subscribe(origin, packet, rig->now, rig->out);
  while (feed && !rig->engine->feed(*feed, rig->feed_budget, rig->now, rig->out)) {
  }
  if (feed) rig->engine->fed(*feed, rig->out);
  rig->settle();
}

void Client::unsubscribe(std::string_view filter) {
  mqtt::Unsubscribe packet;
  packet.packet_id = 2;
  packet.filters.push_back(filter);
  rig->engine->unsubscribe(origin, packet, rig->now, rig->out);
  rig->settle();
}

void Client::publish(std::string_view topic, std::string_view payload, PublishOptions o) {
  mqtt::Publish packet;
  packet.topic = topic;
  packet.payload = payload;
  packet.qos = o.qos;
  packet.retain = o.retain;
  packet.dup = o.dup;
  packet.packet_id = o.qos != 0 && o.packet_id == 0 ? std::uint16_t{1} : o.packet_id;
  packet.properties.topic_alias = o.alias;
  packet.properties.has_message_expiry = o.expiry_s >= 0;
  if (o.expiry_s >= 0) packet.properties.message_expiry_s = static_cast<std::uint32_t>(o.expiry_s);
  rig->engine->publish(origin, packet, rig->now, rig->out);
  rig->settle();
}

void Client::answer(mqtt::PacketType type, std::uint16_t id, Reason reason) {
  mqtt::Ack packet;
  packet.packet_id = id;
  packet.reason = reason;
  rig->engine->answer(origin, type, packet, rig->now, rig->out);
  rig->settle();
}

void Client::answers(mqtt::PacketType type, const std::vector<std::uint16_t>& ids) {
  if (!rig->runs) {
    for (std::uint16_t id : ids) answer(type, id);
    return;
  }
  std::string bytes;
  for (std::uint16_t id : ids) mqtt::encode_ack(bytes, Version::v311, type, id, Reason::success);
  rig->engine->answers(origin, mqtt::ack_run(bytes, ids.size()), rig->now, rig->out);
  rig->settle();
}

bool Client::disconnect(Reason reason, std::int64_t expiry_s) {
  mqtt::Disconnect packet;
  packet.reason = reason;
  if (expiry_s >= 0) {
    packet.properties.session_expiry_s = static_cast<std::uint32_t>(expiry_s);
    packet.properties.mark(mqtt::Property::session_expiry);
  }
  const bool accepted = rig->engine->disconnect(origin, packet, rig->now, rig->out);
  rig->settle();
  return accepted;
}

void Client::drop() {
  rig->engine->disconnected(origin, rig->now, rig->out);
  rig->settle();
}

}  // namespace tandemq::core::test
