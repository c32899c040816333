// The clients of the world, and what is judged with their help.
#include <algorithm>

#include "tests/sim/world.h"

namespace tandemq::sim {
namespace {

constexpr TimeUs kClientsLook = 50 * kMs;
constexpr TimeUs kWillLimit = 10 * kSecond;

}  // namespace

void World::add_clients() {
  for (unsigned i = 1; i <= config.publishers; ++i) {
    publishers.push_back(add<Publisher>("p" + std::to_string(i)));
  }
  for (unsigned i = 1; i <= config.subscribers; ++i) {
    subscribers.push_back(add<Subscriber>("s" + std::to_string(i), i == 2 ? 1u : 2u));
  }
  if (config.all_kinds) add_all_kinds();
  for (Client* client : clients_) client->start();
}

void World::add_all_kinds() {
  for (const auto& p : publishers) p->mixes();
  publishers.back()->is(mqtt::Version::v311, false);
  subscribers.back()->is(mqtt::Version::v311, false);
  for (const char* name : {"g1", "g2"}) {
    subscribers.push_back(add<Subscriber>(name, 2u));
    subscribers.back()->joins("g");
  }
  // QoS 2 that a clean session has begun with ends with it.
  for (const char* name : {"keeper", "worker"}) {
    subscribers.push_back(add<Subscriber>(name, 1u));
    subscribers.back()->joins("h");
  }
  subscribers.back()->is(mqtt::Version::v5, true);
  subscribers.push_back(add<Subscriber>("c", 2u));
  subscribers.back()->is(place.random.chance(50) ? mqtt::Version::v311 : mqtt::Version::v5, true);
  heir = add<Heir>("heir");
  mortal = add<Mortal>("mortal");
  mortal->dies_at(place.random.between(5 * kSecond, 13 * kSecond));
}

Node* World::find_node() {
  std::vector<Node*> found;
  for (const unsigned side : {0u, 1u}) {
    if (nodes[side]->accepts() && reachable(side)) found.push_back(nodes[side].get());
  }
  return found.empty() ? nullptr : found[place.random.below(found.size())];
}

void World::cut_off(unsigned side) {
  for (Client* client : clients_) client->cut_off(*nodes[side], place.random.chance(50));
}

void World::judge_wills() {
  Checker& checker = place.checker;
  if (clocks_wrong || checker.forked()) return;
  const bool died = mortal && mortal->died_at() != 0;
  checker.wills(nodes[0]->deaths_seen() + nodes[1]->deaths_seen() +
                (mortal ? mortal->connections() : 0));
  if (!died || heir->subscribed_at() == 0 || heir->subscribed_at() > mortal->died_at()) return;
  const TimeUs end = place.clock.now() + kWillLimit;
  while (!heir->has_will_of(mortal->name()) && place.clock.now() < end) run(kClientsLook);
  if (heir->has_will_of(mortal->name())) return;
  checker.violate("the will of " + mortal->name() + " was never published");
}

void World::judge_retained() {
  subscribers.push_back(add<Subscriber>("late" + std::to_string(clients_.size()), 2u));
  Subscriber& late = *subscribers.back();
  late.start();
  const TimeUs end = place.clock.now() + 2 * kSecond;
  while (!late.subscribed() && place.clock.now() < end) run(kClientsLook);
  run(kClientsLook);
  if (place.checker.violation().empty()) place.checker.retained_are(late.retained());
}

}  // namespace tandemq::sim
