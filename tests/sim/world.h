// Two hosts with their brokers, agents and keepalived, clients, and everything that may be done to
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/agent.h"
#include "tests/sim/client.h"
#include "tests/sim/mortal.h"
#include "tests/sim/node.h"
#include "tests/sim/paths.h"

namespace tandemq::sim {

struct WorldConfig {
  std::uint64_t seed = 1;
  repl::CommitRule commit = repl::CommitRule::replicated;
  unsigned publishers = 3;
  unsigned subscribers = 3;
  Broken broken = Broken::nothing;
  std::uint64_t journal_bytes = 1 << 30;
  AgentConfig agents;
  bool supervised = false;  // what dies is started again soon, as systemd does
  bool steady = false;
  bool all_kinds = false;  // of clients, not only those of 5.0 with a session
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

  // By hand: a broker's order without an agent, an operator's with it. Empty when done.
  std::string order_broker(unsigned side, const Node::Order& order);
  std::string order_agent(unsigned side, failover::EventKind kind, bool force);
  void agents_off();
  bool agents_run() const { return agents_run_; }

  void kill(unsigned side);  // the broker
  void lose_power(unsigned side, unsigned kept);
  void restart(unsigned side);  // whatever of it does not run
  void freeze(unsigned side, bool frozen);
  void pause(unsigned side);                // as a hypervisor does: frozen, and its clock with it
  void block(unsigned from, bool blocked);  // the replication network, one way
  void block_service(unsigned from, bool blocked);  // the service network between the hosts
  void cut_clients(unsigned side, bool cut);
  void slow(TimeUs link_delay, TimeUs disk_delay);
  void heal();

  Place place;
  Paths paths{place.clock, place.random};
  std::unique_ptr<Node> nodes[2];
  std::unique_ptr<Agent> agents[2];
  std::vector<std::unique_ptr<Publisher>> publishers;
  std::vector<std::unique_ptr<Subscriber>> subscribers;
  std::unique_ptr<Heir> heir;  // where all kinds are
  std::unique_ptr<Mortal> mortal;
  const WorldConfig config;
  bool clocks_wrong = false;  // a host came up with another wall clock: wills may come early

 private:
  Client& client(std::uint64_t id) { return *clients_[id]; }
  template <class Kind, class... More>
  std::unique_ptr<Kind> add(const std::string& name, More... more) {
    auto made = std::make_unique<Kind>(
        place, clients_.size(), name, [this](std::uint64_t) { return find_node(); }, more...);
    clients_.push_back(made.get());
    return made;
  }
  void add_clients();
  void add_all_kinds();
  void judge_wills();
  void judge_retained();
  Node* find_node();
  bool reachable(unsigned side) const;
  void keepalived_turn();
  void cut_off(unsigned side);  // the clients that are connected there
  void broker_ended(unsigned side);
  void cut(unsigned from, unsigned path, bool cut);
  void learn_parted();

  std::vector<Client*> clients_;  // of all kinds, by their numbers
  bool clients_cut_[2] = {};
  bool frozen_[2] = {};
  bool host_up_[2] = {true, true};
  bool agents_run_ = true;
  bool ever_parted_ = false;
};

}  // namespace tandemq::sim
