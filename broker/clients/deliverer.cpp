#include "broker/clients/deliverer.h"

#include "broker/clients/client_log.h"
#include "broker/clients/limits.h"

namespace tandemq::broker {
namespace {

using core::EffectKind;

bool ends_connection(EffectKind kind) {
  return kind == EffectKind::disconnect || kind == EffectKind::close;
}

}  // namespace

void Deliverer::put(core::Effects& effects) {
  if (!effects.empty()) writer_.begin_batch();
  for (core::Effect& effect : effects) {
    if (ends_connection(effect.kind)) condemn(effect);
    if (effect.after <= reign_.committed) {
      deliver(effect);
    } else {
      outbox_.hold(std::move(effect));
    }
  }
  share_.spend(effects.size());
  effects.clear();
  if (stages_.has_detached()) settle();
}

void Deliverer::settle() {
  if (!reign_.engine || (!stages_.has_detached() && withheld_.empty())) return;
  core::Effects effects;
  for (const Withheld& one : std::exchange(withheld_, {})) {
    reign_.engine->withdraw(one.from, one.packet_id, one.resent, turn_.now(), effects);
  }
  for (const core::Origin& from : stages_.take_detached()) {
    reign_.engine->disconnected(from, turn_.now(), effects);
  }
  put(effects);
}

void Deliverer::release() {
  writer_.begin_batch();
  outbox_.release(reign_.committed, [this](const core::Effect& effect) {
    if (effect.after > recheck_ || !withhold(effect)) deliver(effect);
  });
}

void Deliverer::recheck() {
  if (!outbox_.empty()) recheck_ = outbox_.last();
}

// True for a PUBLISH that its receiver may not have any more.
bool Deliverer::withhold(const core::Effect& effect) {
  if (effect.kind != EffectKind::publish || !reign_.engine) return false;
  const Client* client = table_.find(effect.conn);
  if (!client || client->seat() == core::kNoSeat) return false;
  if (reign_.engine->may_deliver(client->seat(), effect.message->topic())) return false;
  withheld_.push_back({client->origin(), effect.packet_id, effect.dup});
  return true;
}

void Deliverer::drop_all() {
  withheld_.clear();
  recheck_ = 0;
  counters_.effects_dropped += outbox_.size();
  outbox_.drop_all();
}

void Deliverer::condemn(const core::Effect& effect) {
  Client* client = table_.find(effect.conn);
  if (!client || !client->hears()) return;
  log_condemned(*client, effect);
  stages_.condemn(*client, effect.reason);
}

void Deliverer::deliver(const core::Effect& effect) {
  Client* client = table_.find(effect.conn);
  // Nothing follows a DISCONNECT, though the connection may have no room for it yet.
  if (!client || client->stage() == Stage::leaving) {
    ++counters_.effects_dropped;
    return;
  }
  const bool ends = ends_connection(effect.kind);
  if (!client->greeted && !ends && effect.kind != EffectKind::connack) return defer(effect);
  if (effect.kind == EffectKind::publish) {
    const bool room = effect.qos > 0 || client->channel.unsent() <= kUnsentCrowded;
    if (!room && !makes_room(*client, effect)) return;
    writer_.publish(*client, effect);
    // The end of the turn may be too late: one message may be for very many.
    const bool crowded = traffic_.unsent > unsent_all_max_;
    if (crowded && client->channel.unsent() > kUnsentCrowded) send_now(*client);
  } else if (ends) {
    end(*client, effect);
  } else {
    answer(*client, effect);
  }
}

// Its CONNACK is held still: nothing may come before it.
void Deliverer::defer(const core::Effect& effect) {
  if (outbox_.empty()) return;
  core::Effect later = effect;
  later.after = outbox_.last();
  if (effect.after <= recheck_) recheck_ = later.after;
  outbox_.hold(std::move(later));
}

void Deliverer::send_now(Client& client) {
  if (client.channel.blocked()) return;
  writer_.begin_batch();
  client.channel.send();
}

// QoS 0 to a client that does not read is dropped. False when it was.
bool Deliverer::makes_room(Client& client, const core::Effect& effect) {
  const auto over = [&] {
    const std::size_t limit = traffic_.unsent > unsent_all_max_ ? kUnsentCrowded
                              : effect.retain                   ? kUnsentRetainedMax
                                                                : kUnsentMax;
    return client.channel.unsent() > limit;
  };
  if (!over()) return true;
  if (!client.channel.blocked()) {
    send_now(client);
    if (!client.channel.broken() && !over()) return true;
  }
  ++counters_.dropped_slow_reader;
  return false;
}

void Deliverer::answer(Client& client, const core::Effect& effect) {
  const bool written = writer_.answer(client, effect);
  client.unacknowledged -= effect.kind == EffectKind::puback;
  if (effect.kind == EffectKind::connack) {
    client.greeted = written && !mqtt::is_error(effect.reason);
    counters_.sessions_resumed += effect.detail && effect.detail->session_present;
  }
  if (written || client.seat() == core::kNoSeat) return;
  // [MQTT-3.1.2-24], and the client cannot do without the answer.
  log_oversize(client);
  stages_.dismiss(client, mqtt::Reason::packet_too_large);
}

void Deliverer::end(Client& client, const core::Effect& effect) {
  if (effect.kind == EffectKind::disconnect) {
    writer_.disconnect(client, effect.reason,
                       effect.detail ? effect.detail->reason_string : std::string_view());
  }
  stages_.leave(client);
}

}  // namespace tandemq::broker
