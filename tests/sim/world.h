// Two nodes, their agents and clients, and everything that may be done to them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/authority.h"
#include "tests/sim/client.h"
#include "tests/sim/node.h"

namespace tandemq::sim {

struct WorldConfig {
  std::uint64_t seed = 1;
  repl::CommitRule commit = repl::CommitRule::replicated;
  unsigned publishers = 3;
  unsigned subscribers = 3;
  Broken broken = Broken::nothing;
  std::uint64_t journal_bytes = 1 << 30;
  bool steady = false;
};

class World {
 public:
  explicit World(const WorldConfig& config);

  // Runs for `time`, or until the checker is violated.
  void run(TimeUs time);
  // Until both nodes are paired, nothing waits, and all clients are done; false after `limit`.
  bool settle(TimeUs limit);
  bool settled() const;
  // What keeps it from being settled, as a sentence.
  std::string unsettled() const;
  // All that was promised, once settled.
  void judge();

  void kill(unsigned side);
  void lose_power(unsigned side, unsigned kept);
  void restart(unsigned side);
  void block(unsigned from, bool blocked);  // replication and agents' path, one way
  void cut_clients(unsigned side, bool cut);
  void slow(TimeUs link_delay, TimeUs disk_delay);
  void heal();

  Place place;
  std::unique_ptr<Node> nodes[2];
  std::unique_ptr<Authority> authority;
  std::vector<std::unique_ptr<Publisher>> publishers;
  std::vector<std::unique_ptr<Subscriber>> subscribers;
  const WorldConfig config;
  bool clocks_wrong = false;  // a host came up with another wall clock: wills may come early

 private:
  Client& client(std::uint64_t id);
  void judge_retained();
  Node* find_node();
  std::vector<std::unique_ptr<Subscriber>> late_;
  bool clients_cut_[2] = {};
};

}  // namespace tandemq::sim
