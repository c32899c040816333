// Two hosts on virtual time: agents (the real machine), model brokers, a model of keepalived, two
// networks. Random faults come from the seed alone.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "failover/core/fsm.h"
#include "failover/core/peer_session.h"
#include "ledger.h"
#include "model_broker.h"
#include "tests/support/keepalived.h"

namespace tandemq::failover::model {

struct Datagram {
  Numbers numbers;
  Report report;
};

struct Node {
  unsigned index = 1;
  std::unique_ptr<Machine> agent;  // null: not running
  std::unique_ptr<PeerSession> session;
  std::uint64_t boots = 0;
  Memory memory;  // of the agent's lives since the host started
  TimeMs agent_paused_until = 0;
  TimeMs started_at = 0;
  std::vector<std::function<void()>> inbox;  // events that wait for a paused agent
  ModelBroker broker;
  std::vector<std::function<void()>> orders;  // wait for a paused broker
  std::uint64_t seen_life = 0;                // broker life that the agent is connected to
  std::uint64_t seen_change = 0;
  TimeMs hung_since = 0;
  TimeMs broker_due = 0, agent_due = 0, keepalived_due = 0;  // restarts by systemd
  bool host_up = true;
  test::Keepalived keepalived;
};

class World {
 public:
  World(std::uint64_t seed, bool manual);

  void run_until(TimeMs end);
  void start_all();
  void random_fault();  // one, with its end scheduled
  void heal();
  bool whole() const;  // one primary, paired
  std::string describe() const;

  TimeMs now = 1000;
  std::array<Node, 2> nodes;
  std::string violation;  // first broken invariant, empty none
  // Two hosts alone cannot tell a dead peer from one that is cut off; where the policy `timeout`
  // took a living primary for dead, histories may fork until the pair is whole again.
  bool admitted = false;
  std::mt19937_64 rng;
  std::vector<std::string> trace;
  std::uint64_t acked_count() const { return ledger_.size(); }

  bool agents_cut = false;  // a filter that lets VRRP and the link pass
  // faults: [from][path], paths 0 and 1 between the agents; path 0 carries VRRP, path 1 the link
  std::array<std::array<bool, 2>, 2> cut{};
  unsigned loss_percent = 0;
  TimeMs delay_max = 3;
  TimeMs slow_sync_max = 10;  // how long the sync of a claim to be in sync can take

  void kill_broker(std::size_t n, bool by_agent = false);
  void stall_disk(std::size_t n, TimeMs length);
  void kill_agent(std::size_t n);
  void kill_keepalived(std::size_t n);
  void kill_host(std::size_t n);
  void start_host(std::size_t n);
  void at(TimeMs when, std::function<void()> what);
  Actions deliver(std::size_t n, Event event);
  std::uint64_t pick(std::uint64_t below) { return rng() % below; }

 private:
  void turn();
  void end_broker(std::size_t n);
  void tell_broker_lost(std::size_t n);
  void supervise(std::size_t n);
  void start_agent(std::size_t n);
  void carry_out(std::size_t n, const Actions& actions);
  void send_order(std::size_t n, const Action& action);
  void send_report(std::size_t n);
  void receive(std::size_t n, const Datagram& datagram);
  OrderDone hand_over(std::size_t n);
  void to_agent(std::size_t n, std::function<void()> what);
  void observe_broker(std::size_t n);
  void vrrp_turn(std::size_t n);
  void set_address(std::size_t n, bool on);
  void claim_turn(std::size_t n);
  void link_turn();
  void follow(ModelBroker& primary, ModelBroker& standby);
  void write_turn(std::size_t n);
  void acknowledge(const ModelBroker& broker, std::size_t upto);
  bool link_up() const;
  void note(const std::string& line);

  bool manual_;
  std::multimap<TimeMs, std::function<void()>> agenda_;
  Ledger ledger_;
};

}  // namespace tandemq::failover::model
