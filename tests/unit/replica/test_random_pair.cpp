// Random histories of a pair. The agents' part is played fairly: a node goes alone only when the
// other one is down or has been told that it is out of sync; promotions may be tried at any time.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include "machine_world.h"

using namespace tandemq;
using namespace tandemq::repl;

namespace {

class RandomRun {
 public:
  RandomRun(std::uint64_t seed, CommitRule rule) : world_(rule), random_(seed) {
    // Two copies in page caches survive one host's loss of power; so only one node has any.
    weak_ = pick(2) == 0 ? &world_.a : &world_.b;
  }

  std::string run(int steps) {
    world_.start(world_.a);
    world_.start(world_.b);
    for (int i = 0; i < steps && world_.broken.empty(); ++i) one();
    return world_.broken.empty() ? heal() : world_.broken;
  }

 private:
  unsigned pick(unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random_); }
  MachineNode& any() { return pick(2) == 0 ? world_.a : world_.b; }
  static bool up(const MachineNode& node) { return node.replica != nullptr; }
  static bool reigns(const MachineNode& node) {
    return up(node) && node.replica->role() == Role::primary;
  }
  bool paired() const {
    const MachineNode& primary = reigns(world_.a) ? world_.a : world_.b;
    return up(primary) && primary.status().pair_state == PairState::paired;
  }

  void one() {
    MachineNode& node = any();
    const unsigned dice = pick(1000);
    if (dice < 450) {
      world_.deliver(node);
    } else if (dice < 600) {
      world_.append(node, 1 + static_cast<int>(pick(3)));
    } else if (dice < 700) {
      world_.finish_sync(node);
    } else if (dice < 760) {
      world_.tick(1 + pick(30));
    } else if (dice < 850) {
      world_.connect();
    } else if (dice < 870) {
      world_.finish_snapshot(node);
    } else {
      rare(node, dice);
    }
  }

  void rare(MachineNode& node, unsigned dice) {
    if (dice < 885) {
      world_.cut();
    } else if (dice < 890) {
      world_.network = !world_.network;
      if (!world_.network) world_.cut();
    } else if (dice < 915) {
      if (up(node) && pick(2) == 0) {
        (&node == weak_ && pick(3) == 0) ? world_.lose_power(node) : world_.kill(node);
      }
    } else if (dice < 945) {
      if (!up(node)) begin(node);
    } else if (dice < 970) {
      world_.claims_first = pick(2) == 0;
      world_.in_time = pick(4) != 0;
      world_.order(node, event::Promote{});
    } else if (dice < 985) {
      grant_solo(node);
    } else if (dice < 988) {
      world_.order(node, event::Demote{"random"});
    } else if (dice < 992) {
      world_.order(node, event::Switchover{});
    } else if (dice < 994) {
      world_.order(node, event::Leave{"random"});
    } else {
      world_.trim(node, node.last() - std::min<Lsn>(node.last(), pick(20)));
    }
  }

  // A data folder that is replaced by an empty one, once in a run: of what only that node held
  // nobody may be told that it is there. Two nodes without a record are a new pair, whatever was.
  void begin(MachineNode& node) {
    if (!replaced_ && world_.peer_of(node).last() != 0 && pick(20) == 0) {
      replaced_ = true;
      world_.replace_disk(node);
    }
    world_.start(node);
  }

  void grant_solo(MachineNode& node) {
    MachineNode& other = world_.peer_of(node);
    if (!reigns(node) || reigns(other)) return;
    if (up(other)) world_.order(other, event::LoseSync{"the other one goes alone"});
    // The order reached the broker, but what it was about may have changed meanwhile.
    if (reigns(node) && !reigns(other)) world_.order(node, event::GoSolo{"test"});
  }

  // Everything works again: the pair must come to rest, paired, with equal journals.
  std::string heal() {
    world_.network = world_.in_time = true;
    for (MachineNode* node : {&world_.a, &world_.b}) {
      if (!up(*node)) world_.start(*node);
    }
    world_.settle();
    if (!reigns(world_.a) && !reigns(world_.b)) {
      if (world_.order(world_.a, event::Promote{}) != "" &&
          world_.order(world_.b, event::Promote{}) != "") {
        // Power went while the other one's state was being replaced, or the other one has nothing,
        // and it may have had something: a case for the operator.
        const bool of_a =
            world_.a.meta.needs_snapshot || (world_.a.last() == 0 && !world_.b.meta.needs_snapshot);
        MachineNode& whole = of_a ? world_.b : world_.a;
        const MachineNode& other = world_.peer_of(whole);
        if (!(other.meta.needs_snapshot || other.last() == 0) ||
            world_.order(whole, event::Promote{0, true}) != "") {
          return "healed, and neither may reign: " + world_.a.refusal + " / " + world_.b.refusal;
        }
      }
    }
    // A snapshot that came to nothing again and again is tried after a pause.
    for (int i = 0; i < 70 && !paired(); ++i) world_.tick(500), world_.connect(), world_.settle();
    world_.settle();
    MachineNode& primary = reigns(world_.a) ? world_.a : world_.b;
    world_.append(primary, 3);
    world_.settle();
    if (!world_.broken.empty()) return world_.broken;
    if (primary.status().pair_state != PairState::paired) {
      return std::string("healed, but ") + to_string(primary.status().pair_state) + ": " +
             primary.status().reason;
    }
    if (primary.replica->committed() != primary.last()) return "healed, but not all committed";
    if (world_.a.state != world_.b.state) return "healed, but the states differ";
    return "";
  }

  MachineWorld world_;
  std::mt19937_64 random_;
  MachineNode* weak_;
  bool replaced_ = false;
};

}  // namespace

TEST_CASE("random histories: nothing committed is lost, never two primaries, and it heals") {
  const char* runs_text = std::getenv("REPLICA_RUNS");
  const char* seed_text = std::getenv("REPLICA_SEED");
  const std::uint64_t first = seed_text ? std::strtoull(seed_text, nullptr, 10) : 1;
  const std::uint64_t runs = seed_text   ? 1
                             : runs_text ? std::strtoull(runs_text, nullptr, 10)
                                         : 400;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    const CommitRule rule = seed % 4 == 0 ? CommitRule::replicated_synced : CommitRule::replicated;
    const std::string broken = RandomRun(seed, rule).run(2000);
    INFO("REPLICA_SEED=", seed);
    REQUIRE_MESSAGE(broken.empty(), broken);
  }
}
