#include "broker/clients/connect.h"

#include <cstring>
#include <string>
#include <utility>

#include "broker/clients/client_log.h"
#include "broker/support/random.h"

namespace tandemq::broker {
namespace {

constexpr std::size_t kRandomNameBytes = 16;

void remember_name(Client& client, std::string_view name) {
  client.client_id = std::make_unique<char[]>(name.size() + 1);
  std::memcpy(client.client_id.get(), name.data(), name.size());
}

}  // namespace

void ConnectStage::begin(Client& client, const mqtt::Connect& packet) {
  if (!client.client_id) {
    remember_name(client, packet.client_id.empty() ? "auto-" + random_hex(kRandomNameBytes)
                                                   : std::string(packet.client_id));
  }
  client.keep_alive_s = packet.keep_alive_s;
  client.packet_max = packet.properties.maximum_packet_size;

  if (!client.admission) ask(client, packet);
  if (!client.admission) return;
  const mqtt::Reason reason = *std::exchange(client.admission, std::nullopt);
  if (reason != mqtt::Reason::success) return refuse(client, reason);

  const std::string certified = client.channel.peer_certificate();
  std::optional<mqtt::Connect> under_its_name;
  if (!certified.empty()) {
    under_its_name = packet;
    under_its_name->has_username = true;
    under_its_name->username = certified;
  }
  const mqtt::Connect& connect = under_its_name ? *under_its_name : packet;
  const core::SeatId seat = reign_.engine->connect(
      {client.id, connect, client.name(), client.entrance.door}, turn_.now(), effects_);
  if (seat != core::kNoSeat) {
    stages_.serve(client, seat);
    ++counters_.connects;
    if (first_ns_ == 0) first_ns_ = turn_.read_ns();
    log_connected(client, connect);
  }
  deliverer_.put(effects_);
}

void ConnectStage::ask(Client& client, const mqtt::Connect& packet) {
  const core::ConnId id = client.id;
  const Authenticator::Ticket ticket = authenticator_.begin(
      Credentials(client.entrance.door, packet, client.channel.peer_certificate()),
      [this, id](mqtt::Reason reason) { take_answer(id, reason); });
  if (ticket != 0) stages_.ask(client, Question(authenticator_, ticket));
}

void ConnectStage::take_answer(core::ConnId id, mqtt::Reason reason) {
  Client& client = *table_.find(id);  // else the question would have been cancelled
  client.admission = reason;
  if (client.stage() != Stage::asking) return;  // it came at once
  stages_.answered(client);
  share_.put_off(client);
}

// In the order of the engine's effects: what is held comes first.
void ConnectStage::refuse(Client& client, mqtt::Reason reason) {
  ++counters_.refused_auth;
  log_refused(client);
  for (const core::EffectKind kind : {core::EffectKind::connack, core::EffectKind::close}) {
    core::Effect& effect = effects_.emplace_back();
    effect.kind = kind;
    effect.reason = reason;
    effect.conn = client.id;
  }
  deliverer_.put(effects_);
}

}  // namespace tandemq::broker
