#include "tests/sim/faults.h"

#include <cerrno>
#include <iterator>
#include <utility>

namespace tandemq::sim {
namespace {

constexpr TimeUs kSettle = 60 * kSecond;

}  // namespace

void Faults::mend_later(std::function<void()> mend) {
  // Mostly soon, sometimes after everything that waits has run out of patience.
  Random& random = world_.place.random;
  const TimeUs delay = random.chance(70) ? random.between(10 * kMs, 400 * kMs)
                                         : random.between(400 * kMs, 3 * kSecond);
  world_.place.clock.after(delay, std::move(mend));
}

void Faults::one() {
  Random& random = world_.place.random;
  const auto side = static_cast<unsigned>(random.below(2));
  switch (random.below(30)) {
    case 0:
    case 1:
    case 2:
      return crash(side);
    case 3:
    case 4:
      return power(side);
    case 5:
    case 6:
    case 7:
      return partition();
    case 8:
      return slow();
    case 9:
      return clients(side);
    case 10:
    case 11:
      return client();
    case 12:
      return disk(side);
    case 13:
      return world_.agents[side]->order(failover::EventKind::operator_switchover, false,
                                        [](const std::string&) {});
    case 14:
      return world_.nodes[side]->leave();
    case 15:
    case 16:
    case 17:
      return agent(side);
    case 18:
    case 19:
    case 20:
      return pause(side);
    case 21:
      return service(side);
    case 22:
    case 23:
      return between_actions(side);
    case 24:
      return folds(side);
    default:
      return slow_disk(side);
  }
}

// A broker or an agent ends at its next change of anything, halfway; or the broker's host does.
void Faults::between_actions(unsigned side) {
  Random& random = world_.place.random;
  const auto within = static_cast<unsigned>(random.between(1, random.chance(50) ? 6 : 300));
  unsigned& left =
      random.chance(60) ? world_.nodes[side]->actions_left : world_.agents[side]->actions_left;
  left = within;
  if (random.chance(40)) {
    world_.nodes[side]->power_goes = [this, side] {
      if (!may_lose_power(side)) return false;
      world_.lose_power(side, static_cast<unsigned>(world_.place.random.below(100)));
      return true;
    };
  }
  mend_later([this, &left, side] {
    left = 0;
    world_.nodes[side]->power_goes = nullptr;
    world_.restart(side);
  });
}

// The checkpoint cannot be written for longer than the node puts up with.
void Faults::folds(unsigned side) {
  world_.place.say(world_.nodes[side]->name() + ": its checkpoint cannot be written");
  world_.nodes[side]->kept().folds_fail = true;
  world_.place.clock.after(world_.place.random.between(1, 9) * kSecond,
                           [this, side] { world_.nodes[side]->kept().folds_fail = false; });
}

void Faults::crash(unsigned side) {
  Node& node = *world_.nodes[side];
  if (world_.place.random.chance(15)) node.recovery = world_.place.random.between(1, 4) * kSecond;
  world_.kill(side);
  if (world_.place.random.chance(15)) world_.kill(1 - side);
  mend_later([this, &node] {
    world_.restart(0);
    world_.restart(1);
    node.recovery = 0;
  });
}

// With the rule `replicated` what was acknowledged survives the loss of one host. So the other one
// must not have lost its own tail since it was last in sync.
bool Faults::may_lose_power(unsigned side) const {
  const Node& other = *world_.nodes[1 - side];
  return both_may_lose_power() || (!other.tail_lost && other.running());
}

bool Faults::both_may_lose_power() const {
  return world_.config.commit == repl::CommitRule::replicated_synced;
}

void Faults::power(unsigned side) {
  Random& random = world_.place.random;
  if (!may_lose_power(side)) return;
  if (world_.config.seed % 4 == 0) {
    world_.clocks_wrong = true;
    world_.nodes[side]->clock_skew_us =
        static_cast<std::int64_t>(random.below(7200)) * 1000000 - 3600 * std::int64_t{1000000};
  }
  world_.lose_power(side, static_cast<unsigned>(random.below(100)));
  if (both_may_lose_power() && random.chance(30))
    world_.lose_power(1 - side, static_cast<unsigned>(random.below(100)));
  mend_later([this] {
    world_.restart(0);
    world_.restart(1);
  });
}

void Faults::partition() {
  Random& random = world_.place.random;
  const bool both = random.chance(60);
  const auto from = static_cast<unsigned>(random.below(2));
  const bool everything = world_.config.seed % 4 == 2 && random.chance(40);
  world_.block(from, true);
  if (both) world_.block(1 - from, true);
  if (everything) {
    world_.block_service(0, true);
    world_.block_service(1, true);
    if (random.chance(50)) world_.cut_clients(from, true);
  }
  const auto mend = [this, from] {
    for (const unsigned side : {0u, 1u}) {
      world_.block(side, false);
      world_.block_service(side, false);
    }
    world_.cut_clients(from, false);
  };
  if (!everything || random.chance(50)) return mend_later(mend);
  world_.place.clock.after(random.between(4, 9) * kSecond, mend);  // longer than a lease
}

// Between the hosts, VRRP included; or one host's cable.
void Faults::service(unsigned side) {
  Random& random = world_.place.random;
  if (random.chance(50)) {
    world_.agents[side]->cable(false);
    return mend_later([this, side] { world_.agents[side]->cable(true); });
  }
  world_.block_service(side, true);
  if (random.chance(50) && world_.place.network.reachable()) world_.block_service(1 - side, true);
  mend_later([this] {
    world_.block_service(0, false);
    world_.block_service(1, false);
  });
}

// What is durable takes long, or nothing at all comes back from the disk for a while.
void Faults::slow_disk(unsigned side) {
  Random& random = world_.place.random;
  Kept& kept = world_.nodes[side]->kept();
  if (random.chance(40)) {
    kept.stalled_until = world_.place.clock.now() + random.between(100 * kMs, 4 * kSecond);
    return world_.place.say(world_.nodes[side]->name() + ": its disk stands still");
  }
  kept.durable_max = random.between(100 * kMs, 3 * kSecond);
  world_.place.say(world_.nodes[side]->name() + ": its disk takes up to " +
                   std::to_string(kept.durable_max / kMs) + " ms for a durable write");
  mend_later([this, side] { world_.nodes[side]->kept().durable_max = 0; });
}

void Faults::agent(unsigned side) {
  Random& random = world_.place.random;
  switch (random.below(4)) {
    case 0:
      world_.paths.loss_percent = 40;
      world_.paths.delay_max = random.between(1, 400) * kMs;
      return mend_later([this] {
        world_.paths.loss_percent = 0;
        world_.paths.delay_max = 1 * kMs;
      });
    case 1:
      world_.agents[side]->kill_keepalived();
      break;
    default:
      world_.agents[side]->kill();
  }
  mend_later([this, side] { world_.restart(side); });
}

void Faults::pause(unsigned side) {
  Random& random = world_.place.random;
  const std::string& name = world_.nodes[side]->name();
  switch (random.below(3)) {
    case 0:
      if (world_.config.seed % 4 == 3 && random.chance(50)) {
        world_.pause(side);
      } else {
        world_.freeze(side, true);
      }
      return mend_later([this, side] { world_.freeze(side, false); });
    case 1:
      world_.place.say(name + ": the broker is stopped");
      world_.nodes[side]->stop();
      return mend_later([this, side] { world_.nodes[side]->go_on(); });
    default:
      world_.place.say(name + ": the agent is stopped");
      world_.agents[side]->stop();
      return mend_later([this, side] { world_.agents[side]->go_on(); });
  }
}

void Faults::slow() {
  Random& random = world_.place.random;
  world_.slow(random.between(1, 80) * kMs, random.between(1, 400) * kMs);
  mend_later([this] { world_.slow(500, 2 * kMs); });
}

void Faults::clients(unsigned side) {
  world_.cut_clients(side, true);
  mend_later([this, side] { world_.cut_clients(side, false); });
}

void Faults::client() {
  Random& random = world_.place.random;
  const std::uint64_t of = world_.publishers.size() + world_.subscribers.size();
  const std::uint64_t id = random.below(of);
  Client& client = id < world_.publishers.size()
                       ? static_cast<Client&>(*world_.publishers[id])
                       : *world_.subscribers[id - world_.publishers.size()];
  if (client.node() != nullptr) client.cut_off(*client.node(), random.chance(60));
}

void Faults::disk(unsigned side) {
  if (!world_.nodes[side]->running()) return;
  test::MemoryDisk& disk = *world_.nodes[side]->kept().disk;
  if (world_.place.random.chance(50)) {
    disk.sync_error = EIO;
    world_.place.say(world_.nodes[side]->name() + ": its disk fails to sync");
  } else {  // the last write is done in part
    disk.bytes_left = world_.place.random.below(5000);
    disk.write_error = ENOSPC;
    world_.place.say(world_.nodes[side]->name() + ": its disk is nearly full");
  }
  mend_later([this, side] {
    world_.nodes[side]->kept().mend_disk();
    world_.restart(side);
  });
}

RunResult run_seed(const RunConfig& config) {
  WorldConfig made;
  made.seed = config.seed;
  made.broken = config.broken;
  made.commit =
      config.seed % 3 == 0 ? repl::CommitRule::replicated_synced : repl::CommitRule::replicated;
  if (config.seed % 4 == 1) made.journal_bytes = 48 << 10;
  made.agents.manual = config.seed % 5 == 0;
  made.supervised = true;
  made.all_kinds = config.seed % 2 == 0;
  World world(made);
  Place& place = world.place;
  place.trace.print = config.trace;
  place.trace.messages = config.messages;
  Faults faults(world);
  const Checker& checker = place.checker;
  for (const unsigned side : {0u, 1u}) {
    place.drift_ppm[side] = static_cast<std::int64_t>(place.random.below(1000)) - 500;
  }
  world.run(4 * kSecond);
  // What the faults meet is as much a matter of when as of how much: most seeds have little to say.
  constexpr TimeUs kPauses[] = {12 * kMs, 60 * kMs, 200 * kMs};
  const TimeUs pause = kPauses[place.random.below(std::size(kPauses))];
  for (const auto& p : world.publishers) p->publish(100'000, 3, pause, 2);
  for (unsigned i = 0; i < config.steps && checker.violation().empty(); ++i) {
    world.run(place.random.between(0, 600 * kMs));
    faults.one();
  }
  world.run(1 * kSecond);
  for (const auto& p : world.publishers) p->stop();
  world.run(3 * kSecond);  // what is to be mended later has been
  world.heal();
  if (!world.settle(kSettle) && checker.violation().empty()) {
    place.checker.violate("not settled after healing: " + world.unsettled());
  }
  if (checker.violation().empty()) world.judge();
  return {checker.violation(),       checker.published_count(), checker.acknowledged_count(),
          checker.delivered_count(), checker.hashes_compared(), place.clock.now(),
          place.trace.lines()};
}

}  // namespace tandemq::sim
