#include "broker/clients/review.h"

#include <algorithm>
#include <string>

#include "broker/clients/client_log.h"
#include "broker/clients/limits.h"

namespace tandemq::broker {

void Review::begin() {
  if (!reign_.engine) return;
  std::erase_if(left_, [](const One& one) { return !one.why; });
  table_.each([this](Client& client) {
    client.admission.reset();  // found good by the files before: asked anew
    if (client.stage() != Stage::serving) return;
    left_.push_back({client.id, taken_away(client)});
  });
  // From the back: who must go before those whose certificates are looked at.
  std::stable_partition(left_.begin(), left_.end(), [](const One& one) { return !one.why; });
}

const char* Review::taken_away(const Client& client) const {
  const Door door = client.entrance.door;
  const std::string_view user = reign_.engine->user_of(client.seat());
  const bool by_certificate = !client.pass && !client.channel.peer_certificate().empty();
  if (authenticator_.sent_away(door, user))
    return "its user was removed, disabled or given another password";
  if (by_certificate || authenticator_.still_welcome(door, user, client.pass.get())) return nullptr;
  return client.pass && !client.pass->by_password ? "the key of its token is gone"
                                                  : "its user was removed or has another password";
}

void Review::go_on() {
  const std::uint64_t until = turn_.read_ns() + kSweepNs;
  std::size_t ends_left = kEndsPerSweep;
  while (!left_.empty() && ends_left > 0 && turn_.read_ns() < until) {
    const One one = left_.back();
    left_.pop_back();
    Client* client = table_.find(one.conn);
    if (!client || client->stage() != Stage::serving) continue;
    if (!one.why && client->channel.peer_trusted()) continue;
    --ends_left;
    log_revoked(*client, one.why ? one.why : "its certificate is not good any more");
    stages_.dismiss(*client, mqtt::Reason::not_authorized, "access was taken away");
  }
}

}  // namespace tandemq::broker
