#include "tests/sim/world.h"

#include <algorithm>
#include <memory>

namespace tandemq::sim {
namespace {

constexpr TimeUs kLook = 50 * kMs;
constexpr TimeUs kLinkDelay = 500;
constexpr TimeUs kDiskDelay = 2 * kMs;
constexpr TimeUs kVrrpTurn = 5 * kMs;

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
  for (const unsigned side : {0u, 1u}) {
    agents[side] = std::make_unique<Agent>(place, paths, *nodes[side], config.agents);
    agents[side]->may_fork = [this] { return ever_parted_; };
    agents[side]->address_gone = [this, side] {
      if (agents_run_) cut_off(side);
    };
    nodes[side]->on_end = [this, side] { broker_ended(side); };
  }
  place.to_client = [this](std::uint64_t id, core::ConnId conn, Reply reply) {
    client(id).received(conn, reply);
  };
  for (const unsigned side : {0u, 1u}) restart(side);
  keepalived_turn();
  add_clients();
}

// A client's packets get to the broker there.
bool World::reachable(unsigned side) const {
  if (clients_cut_[side] || !host_up_[side]) return false;
  const Agent& agent = *agents[side];
  return !agents_run_ || (agent.keepalived.address && agent.keepalived.interface_up);
}

void World::keepalived_turn() {
  place.clock.after(kVrrpTurn, [this] { keepalived_turn(); });
  learn_parted();
  const auto changed = [this](const test::Keepalived& whose, failover::Vrrp state) {
    agents[whose.index - 1]->vrrp_changed(state);
  };
  const auto address = [this](const test::Keepalived& whose, bool on) {
    agents[whose.index - 1]->set_address(on);
  };
  for (const unsigned side : {0u, 1u}) {
    test::Keepalived& own = agents[side]->keepalived;
    test::Keepalived& other = agents[1 - side]->keepalived;
    if (!own.alive || !host_up_[side] || frozen_[side]) continue;
    const bool reaches = paths.reaches(side, 0) && own.interface_up && other.interface_up &&
                         host_up_[1 - side] && !frozen_[1 - side];
    const auto lost = [this] { return place.random.below(100) < paths.loss_percent; };
    test::keepalived_turn(own, other, place.boottime_ms(side), {reaches, lost, changed, address});
  }
}

void World::broker_ended(unsigned side) {
  agents[side]->broker_ended();
  if (!config.supervised || !host_up_[side]) return;
  place.clock.after(place.random.between(50, 500) * kMs, [this, side] {
    if (host_up_[side] && !nodes[side]->exists()) nodes[side]->start();
  });
}

std::string World::order_broker(unsigned side, const Node::Order& order) {
  if (!nodes[side]->running()) return "the broker is not running";
  std::string refusal = "the broker does not answer";
  nodes[side]->call([&] {
    nodes[side]->carry_out(order, [&](const Node::Answer& answer) { refusal = answer.refusal; });
  });
  return refusal;
}

std::string World::order_agent(unsigned side, failover::EventKind kind, bool force) {
  const auto told = std::make_shared<std::string>("no answer");
  agents[side]->order(kind, force, [told](const std::string& refusal) { *told = refusal; });
  for (int i = 0; i < 200 && *told == "no answer"; ++i) run(10 * kMs);
  return *told;
}

void World::agents_off() {
  agents_run_ = false;
  for (const auto& agent : agents) agent->kill();
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
    return "the pair is not paired; a: " + agents[0]->describe() + "; b: " + agents[1]->describe();
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
  if (agents_run_ && !agents[primary]->keepalived.address) return "the address is elsewhere";
  return "";
}

void World::judge() {
  Checker& checker = place.checker;
  if (nodes[0]->status().last == nodes[1]->status().last && nodes[0]->hash() != nodes[1]->hash()) {
    checker.violate("the states differ after record " + std::to_string(nodes[0]->status().last));
  }
  for (const auto& node : nodes) {
    for (const std::string& frames : node->kept().quarantine) checker.quarantined(frames);
  }
  checker.everything_arrived();
  if (checker.violation().empty()) judge_wills();
  if (checker.violation().empty()) judge_retained();
}

void World::kill(unsigned side) {
  nodes[side]->kill("killed");
}

void World::lose_power(unsigned side, unsigned kept) {
  for (Client* client : clients_) client->cut_off(*nodes[side], false);
  freeze(side, false);
  host_up_[side] = false;
  agents[side]->kill();
  agents[side]->forget();
  test::Keepalived& keepalived = agents[side]->keepalived;
  keepalived.alive = keepalived.eligible = false;
  keepalived.vrrp = failover::Vrrp::unknown;
  agents[side]->set_address(false);
  nodes[side]->lose_power(kept);
}

void World::restart(unsigned side) {
  host_up_[side] = true;
  if (!nodes[side]->exists()) nodes[side]->start();
  if (!agents_run_) return;
  if (!agents[side]->keepalived.alive) agents[side]->start_keepalived();
  if (!agents[side]->exists()) agents[side]->start();
}

void World::pause(unsigned side) {
  if (frozen_[side]) return;
  place.say(nodes[side]->name() + ": its clock stands still");
  place.host_clock[side].stop(place.clock.now());
  clocks_wrong = true;
  freeze(side, true);
}

void World::freeze(unsigned side, bool frozen) {
  if (frozen_[side] == frozen) return;
  learn_parted();
  if (!frozen) place.host_clock[side].go_on(place.clock.now());
  frozen_[side] = frozen;
  place.say(nodes[side]->name() + (frozen ? ": the host is frozen" : ": the host is thawed"));
  if (frozen) {
    nodes[side]->stop();
    agents[side]->stop();
  } else {
    nodes[side]->go_on();
    agents[side]->go_on();
  }
}

// Neither host hears of the other: what `timeout` takes for a death. Without an agent there is the
// link alone, which one direction ends. Nor does a host that sleeps and will hear nobody when it
// wakes, because the paths are cut or nobody is there: it cannot know that it was replaced
// meanwhile.
void World::learn_parted() {
  for (const unsigned side : {0u, 1u}) {
    const unsigned other = 1 - side;
    const bool gone = agents_run_ && !agents[other]->exists() && !nodes[other]->running();
    const bool silent = gone || (!paths.reaches(other, 0) && !paths.reaches(other, 1));
    ever_parted_ = ever_parted_ || (frozen_[side] && silent);
  }
  const bool link_alone = !agents[0]->exists() || !agents[1]->exists();
  const bool link_cut = paths.cut[0][1] || paths.cut[1][1];
  ever_parted_ = ever_parted_ || paths.parted() || (agents_run_ && link_alone && link_cut);
}

void World::cut(unsigned from, unsigned path, bool cut) {
  paths.cut[from][path] = cut;
  learn_parted();
}

void World::block(unsigned from, bool blocked) {
  if (place.network.blocked(from) == blocked) return;
  place.say(std::string("link ") + (from == 0 ? "a -> b " : "b -> a ") +
            (blocked ? "blocked" : "open"));
  place.network.block(from, blocked);
  cut(from, 1, blocked);
}

void World::block_service(unsigned from, bool blocked) {
  if (paths.cut[from][0] == blocked) return;
  place.say(std::string("service network ") + (from == 0 ? "a -> b " : "b -> a ") +
            (blocked ? "blocked" : "open"));
  cut(from, 0, blocked);
}

void World::cut_clients(unsigned side, bool cut) {
  if (clients_cut_[side] == cut) return;
  clients_cut_[side] = cut;
  place.say(nodes[side]->name() + (cut ? ": clients cannot reach it" : ": clients reach it again"));
  if (cut) cut_off(side);
}

void World::slow(TimeUs link_delay, TimeUs disk_delay) {
  place.network.delay_max = link_delay;
  for (const auto& node : nodes) node->kept().sync_max = disk_delay;
}

void World::heal() {
  place.say("heal");
  paths.loss_percent = 0;
  paths.delay_max = 1 * kMs;
  for (const unsigned side : {0u, 1u}) {
    nodes[side]->kept().mend_disk();
    freeze(side, false);
    nodes[side]->go_on();
    agents[side]->go_on();
    nodes[side]->kept().durable_max = 0;
    nodes[side]->kept().stalled_until = 0;
    nodes[side]->kept().folds_fail = false;
    nodes[side]->power_goes = nullptr;
    nodes[side]->recovery = nodes[side]->actions_left = agents[side]->actions_left = 0;
    block(side, false);
    block_service(side, false);
    cut_clients(side, false);
    agents[side]->cable(true);
    restart(side);
  }
  slow(kLinkDelay, kDiskDelay);
}

}  // namespace tandemq::sim
