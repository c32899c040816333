#include "broker/clients/connect.h"

#include <cstring>

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
  std::string assigned;
  if (packet.client_id.empty()) assigned = "auto-" + random_hex(kRandomNameBytes);
  remember_name(client, assigned.empty() ? packet.client_id : assigned);
  client.keep_alive_s = packet.keep_alive_s;
  client.packet_max = packet.properties.maximum_packet_size;

  const mqtt::Reason reason = check_(packet);
  if (reason != mqtt::Reason::success) return refuse(client, reason);

  const core::SessionId session =
      reign_.engine->connect({client.id, packet, assigned}, turn_.now(), effects_);
  if (session != core::kNoSession) {
    stages_.serve(client, session);
    ++counters_.connects;
    if (first_ns_ == 0) first_ns_ = turn_.read_ns();
    log_connected(client, packet);
  }
  deliverer_.put(effects_);
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
