#include "broker/clients/turn_share.h"

namespace tandemq::broker {

std::uint64_t TurnShare::end_callback() {
  const std::uint64_t now = turn_.read_ns();
  const std::uint64_t length = now - std::max(callback_end_ns_, turn_.mono_ns());
  callback_end_ns_ = now;
  if (now > turn_.mono_ns() + kTurnNs) {
    turn_cut_ = true;
    end_turn_early_();
  }
  return length;
}

void TurnShare::listen(Client& client) {
  if (!client.hears() || client.held_back()) return client.channel.listen(false);
  if (client.channel.pending()) return put_off(client);
  client.channel.listen(true);
}

void TurnShare::put_off(Client& client) {
  client.backlog = true;
  backlog_.push_back(client.id);
  client.channel.listen(false);
}

}  // namespace tandemq::broker
