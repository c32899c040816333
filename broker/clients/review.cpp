#include "broker/clients/review.h"

#include <algorithm>
#include <string>

#include "broker/clients/client_log.h"
#include "broker/clients/limits.h"

namespace tandemq::broker {

void Review::begin() {
  if (!reign_.engine) return;
  std::erase_if(left_, [](const One& one) { return one.welcome; });
  table_.each([this](Client& client) {
    client.admission.reset();  // found good by the files before: asked anew
    if (client.stage() != Stage::serving) return;
    const bool by_password = client.channel.peer_certificate().empty();
    const bool welcome =
        !by_password ||
        authenticator_.still_welcome(client.entrance.door, reign_.engine->user_of(client.seat()),
                                     client.pass.get());
    left_.push_back({client.id, welcome});
  });
}

void Review::go_on() {
  const std::uint64_t until = turn_.read_ns() + kSweepNs;
  std::size_t ends_left = kEndsPerSweep;
  while (!left_.empty() && ends_left > 0 && turn_.read_ns() < until) {
    const One one = left_.back();
    left_.pop_back();
    Client* client = table_.find(one.conn);
    if (!client || client->stage() != Stage::serving) continue;
    if (one.welcome && client->channel.peer_trusted()) continue;
    --ends_left;
    log_revoked(*client, one.welcome    ? "its certificate is not good any more"
                         : client->pass ? "the key of its token is gone"
                                        : "its user was removed or has another password");
    stages_.dismiss(*client, mqtt::Reason::not_authorized, "access was taken away");
  }
}

}  // namespace tandemq::broker
