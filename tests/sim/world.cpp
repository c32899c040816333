#include "tests/sim/world.h"

#include <algorithm>

namespace tandemq::sim {
namespace {

constexpr TimeUs kLook = 50 * kMs;
constexpr TimeUs kLinkDelay = 500;
constexpr TimeUs kDiskDelay = 2 * kMs;

}  // namespace

World::World(const WorldConfig& the_config) : config(the_config) {
  place.random = Random(config.seed, config.steady);
  for (const unsigned side : {0u, 1u}) {
    NodeConfig node;
    node.index = side + 1;
    node.commit = config.commit;
    node.broken = config.broken;
    node.journal_bytes = config.journal_bytes;
    nodes[side] = std::make_unique<Node>(place, node);
  }
  place.network.attach(*nodes[0], *nodes[1]);
  authority = std::make_unique<Authority>(place, *nodes[0], *nodes[1], config.broken);
  place.to_client = [this](std::uint64_t id, core::ConnId conn, Reply reply) {
    client(id).received(conn, reply);
  };
  const FindNode find = [this](std::uint64_t) { return find_node(); };
  std::uint64_t id = 0;
  for (unsigned i = 1; i <= config.publishers; ++i) {
    publishers.push_back(std::make_unique<Publisher>(place, id++, "p" + std::to_string(i), find));
  }
  for (unsigned i = 1; i <= config.subscribers; ++i) {
    subscribers.push_back(
        std::make_unique<Subscriber>(place, id++, "s" + std::to_string(i), find, i == 2 ? 1u : 2u));
  }
  for (const auto& node : nodes) node->start();
  authority->start();
  for (const auto& p : publishers) p->start();
  for (const auto& s : subscribers) s->start();
}

Client& World::client(std::uint64_t id) {
  if (id < publishers.size()) return *publishers[id];
  id -= publishers.size();
  return id < subscribers.size() ? *subscribers[id] : *late_[id - subscribers.size()];
}

Node* World::find_node() {
  std::vector<Node*> found;
  for (const unsigned side : {0u, 1u}) {
    if (nodes[side]->serving() && !clients_cut_[side]) found.push_back(nodes[side].get());
  }
  return found.empty() ? nullptr : found[place.random.below(found.size())];
}

void World::run(TimeUs time) {
  place.clock.run(place.clock.now() + time, [this] { return !place.checker.violation().empty(); });
}

bool World::settle(TimeUs limit) {
  const TimeUs end = place.clock.now() + limit;
  while (place.clock.now() < end && place.checker.violation().empty()) {
    if (settled()) return true;
    run(kLook);
  }
  return false;
}

bool World::settled() const {
  return unsettled().empty();
}

std::string World::unsettled() const {
  const repl::ReplicaStatus a = nodes[0]->status();
  const repl::ReplicaStatus b = nodes[1]->status();
  const auto paired = repl::PairState::paired;
  if (a.pair_state != paired || b.pair_state != paired || a.role == b.role) {
    return "the pair is not paired";
  }
  for (const auto& p : publishers) {
    if (!p->idle()) return p->name() + " still waits for acknowledgements";
  }
  for (const auto& s : subscribers) {
    if (!s->subscribed()) return s->name() + " is not subscribed";
  }
  const unsigned primary = a.role == repl::Role::primary ? 0 : 1;
  const std::uint64_t queued = nodes[primary]->figures().queued;
  if (queued != 0) return std::to_string(queued) + " deliveries are not finished";
  if (a.last != b.last) return "the standby is behind";
  return "";
}

void World::judge() {
  Checker& checker = place.checker;
  if (nodes[0]->status().last == nodes[1]->status().last && nodes[0]->hash() != nodes[1]->hash()) {
    checker.violate("the states differ after record " + std::to_string(nodes[0]->status().last));
  }
  checker.everything_arrived();
  if (!clocks_wrong) {
    checker.wills(nodes[0]->wills_published() + nodes[1]->wills_published(),
                  nodes[0]->deaths_seen() + nodes[1]->deaths_seen());
  }
  if (checker.violation().empty()) judge_retained();
}

void World::judge_retained() {
  const std::uint64_t id = publishers.size() + subscribers.size() + late_.size();
  late_.push_back(std::make_unique<Subscriber>(
      place, id, "late" + std::to_string(late_.size()),
      [this](std::uint64_t) { return find_node(); }, 2u));
  Subscriber& late = *late_.back();
  late.start();
  const TimeUs end = place.clock.now() + 2 * kSecond;
  while (!late.subscribed() && place.clock.now() < end) run(kLook);
  run(kLook);
  if (place.checker.violation().empty()) place.checker.retained_are(late.retained());
}

void World::kill(unsigned side) {
  nodes[side]->kill("killed");
}

void World::lose_power(unsigned side, unsigned kept) {
  for (const auto& p : publishers) p->cut_off(*nodes[side], false);
  for (const auto& s : subscribers) s->cut_off(*nodes[side], false);
  nodes[side]->lose_power(kept);
}

void World::restart(unsigned side) {
  if (!nodes[side]->exists()) nodes[side]->start();
}

void World::block(unsigned from, bool blocked) {
  if (place.network.blocked(from) == blocked) return;
  place.say(std::string("link ") + (from == 0 ? "a -> b " : "b -> a ") +
            (blocked ? "blocked" : "open"));
  place.network.block(from, blocked);
}

void World::cut_clients(unsigned side, bool cut) {
  if (clients_cut_[side] == cut) return;
  clients_cut_[side] = cut;
  place.say(nodes[side]->name() + (cut ? ": clients cannot reach it" : ": clients reach it again"));
  if (!cut) return;
  for (const auto& p : publishers) p->cut_off(*nodes[side], place.random.chance(50));
  for (const auto& s : subscribers) s->cut_off(*nodes[side], place.random.chance(50));
}

void World::slow(TimeUs link_delay, TimeUs disk_delay) {
  place.network.delay_max = link_delay;
  for (const auto& node : nodes) node->kept().sync_max = disk_delay;
}

void World::heal() {
  place.say("heal");
  for (const unsigned side : {0u, 1u}) {
    nodes[side]->kept().mend_disk();
    restart(side);
    block(side, false);
    cut_clients(side, false);
    authority->isolate(side, false);
  }
  authority->pause(false);
  slow(kLinkDelay, kDiskDelay);
}

}  // namespace tandemq::sim
