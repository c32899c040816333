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

// Who it is for certain: by its token or an exchange, by its certificate, by its password, or where
// nobody proves anything, by its word.
mqtt::Connect as_proven(const Entrance& entrance, const mqtt::Connect& packet,
                        std::string_view certified, const Pass* pass) {
  mqtt::Connect proven = packet;
  if (pass) certified = pass->username;
  if (!certified.empty() || entrance.names_unproven) {
    proven.has_username = !certified.empty();
    proven.username = certified;
  }
  if (entrance.username_as_client_id) proven.client_id = proven.username;
  return proven;
}

// Of the CONNACK.
const core::EffectDetail* answer_of(const core::Effects& effects) {
  for (const core::Effect& one : effects) {
    if (one.kind == core::EffectKind::connack) return one.detail.get();
  }
  return nullptr;
}

}  // namespace

void ConnectStage::introduce(Client& client, const mqtt::Connect& packet) {
  if (!client.client_id) {
    remember_name(client, packet.client_id.empty() ? "auto-" + random_hex(kRandomNameBytes)
                                                   : std::string(packet.client_id));
  }
  client.keep_alive_s = packet.keep_alive_s;
  client.packet_max = packet.properties.maximum_packet_size;
}

void ConnectStage::begin(Client& client, const mqtt::Connect& packet) {
  introduce(client, packet);
  if (!client.admission) ask(client, packet);
  if (!client.admission) return;
  settle(client, packet, *std::exchange(client.admission, std::nullopt));
}

void ConnectStage::settle(Client& client, const mqtt::Connect& packet, const Verdict& verdict) {
  if (verdict.reason != mqtt::Reason::success) return refuse(client, packet.username, verdict);
  if (!client.channel.peer_trusted()) {  // the files were read again after its handshake
    return refuse(client, packet.username,
                  {mqtt::Reason::not_authorized, "its certificate is not good any more"});
  }
  const std::string certified = client.channel.peer_certificate();
  const PassRef& pass = verdict.pass;
  enter(client, as_proven(client.entrance, packet, certified, pass.get()), pass);
}

void ConnectStage::enter(Client& client, const mqtt::Connect& packet, const PassRef& pass) {
  if (client.entrance.username_as_client_id) {
    if (packet.username.empty()) {
      return refuse(client, {},
                    {mqtt::Reason::not_authorized,
                     "the client identifier is the user here, and it names none"});
    }
    remember_name(client, packet.username);
  }
  core::GrantsRef grants = pass ? pass->grants(client.name()) : nullptr;
  if (grants && packet.has_will && !grants->may_publish(packet.will.topic)) {
    return refuse(client, packet.username,
                  {mqtt::Reason::not_authorized, "its token does not let it publish its will"});
  }
  const std::string address = client.channel.peer_address();
  // The one that it takes over goes, whosever that is.
  const Client* const taken = table_.find(reign_.engine->connection_of(client.name()));
  const char* full = quotas_.full(address, packet.username, taken ? &taken->place : nullptr);
  if (full) return refuse(client, packet.username, {mqtt::Reason::quota_exceeded, full});
  const core::SeatId seat = reign_.engine->connect(
      {client.id, packet, client.name(), client.entrance.name, std::move(grants)}, turn_.now(),
      effects_);
  if (seat != core::kNoSeat) {
    const core::EffectDetail* told = answer_of(effects_);
    if (told && told->server_keep_alive_s != 0) client.keep_alive_s = told->server_keep_alive_s;
    client.place = quotas_.take(address, packet.username);
    hold(client, pass);
    stages_.serve(client, seat);
    ++counters_.connects;
    if (first_ns_ == 0) first_ns_ = turn_.read_ns();
    log_connected(client, packet);
  } else {
    const core::Effect& connack = effects_.front();
    log_refused(client, packet.username, {connack.reason, connack.detail->reason_string.c_str()});
  }
  deliverer_.put(effects_);
}

void ConnectStage::hold(Client& client, const PassRef& pass) {
  client.pass = pass;
  if (pass && pass->lasts_s != 0) client.ends_ms = turn_.now() + pass->lasts_s * TimeMs{1'000};
}

void ConnectStage::ask(Client& client, const mqtt::Connect& packet) {
  const core::ConnId id = client.id;
  const Authenticator::Ticket ticket = authenticator_.begin(
      Credentials(client.entrance.door, packet, client.channel.peer_certificate(),
                  client.channel.peer_address()),
      [this, id](const Verdict& verdict) { take_answer(id, verdict); });
  if (ticket != 0) stages_.ask(client, Question(authenticator_, ticket));
}

void ConnectStage::take_answer(core::ConnId id, const Verdict& verdict) {
  Client& client = *table_.find(id);  // else the question would have been cancelled
  client.admission = verdict;
  if (client.stage() != Stage::asking) return;  // it came at once
  stages_.answered(client);
  share_.put_off(client);
}

// In the order of the engine's effects: what is held comes first.
void ConnectStage::refuse(Client& client, std::string_view user, const Verdict& verdict) {
  ++counters_.refused_auth;
  log_refused(client, user, verdict);
  for (const core::EffectKind kind : {core::EffectKind::connack, core::EffectKind::close}) {
    core::Effect& effect = effects_.emplace_back();
    effect.kind = kind;
    effect.reason = verdict.reason;
    effect.conn = client.id;
  }
  deliverer_.put(effects_);
}

}  // namespace tandemq::broker
