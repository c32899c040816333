// One host's agent: the real machine of failover/core with its authority, sessions and health
// judgement, in a process of its own; its eyes and hands are simulated as failover/shell has them.
// keepalived of the host is a model (tests/support/keepalived.h).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "failover/core/fsm.h"
#include "failover/core/peer_session.h"
#include "tests/sim/node.h"
#include "tests/sim/paths.h"
#include "tests/support/keepalived.h"

namespace tandemq::sim {

struct AgentConfig {
  bool manual = false;  // authority
  std::uint64_t damping_ms = 1000;
};

class Agent {
 public:
  Agent(Place& place, Paths& paths, Node& broker, const AgentConfig& config);
  ~Agent();

  void start();
  void kill();
  void forget() { memory_ = {}; }  // what the host's power takes with it
  bool exists() const { return life_ != nullptr; }
  void stop();  // SIGSTOP
  void go_on();

  // An operator's order; empty, or why it was refused. Told when it is known.
  using Told = std::function<void(const std::string& refusal)>;
  void order(failover::EventKind kind, bool force, Told told);

  unsigned actions_left = 0;  // of the machine; the agent ends before the last. 0: no end

  // The host's keepalived and its cable.
  void start_keepalived();
  void kill_keepalived();
  void cable(bool in);
  void vrrp_changed(failover::Vrrp state);
  void set_address(bool on);
  std::function<void()> address_gone;  // what clients have there leads nowhere
  test::Keepalived keepalived;

  // A node that goes on alone by the authority `timeout` may have a rival now.
  std::function<bool()> may_fork;

  // The broker's process has ended.
  void broker_ended();

  std::string describe() const;

 private:
  struct Life;
  void post(failover::EventKind kind, decltype(failover::Event::data) data = {});
  void handle(const failover::Event& event);
  void carry_out(const failover::Action& action);
  void order_broker(const failover::Action& action);
  TimeUs way(TimeUs& last) const;
  void ask_broker(std::function<void()> in_broker);  // runs in its loop
  void from_broker(std::function<void()> in_agent);  // ... and in the agent's
  void send_report();
  void receive(const Datagram& datagram);
  void look_at_broker();
  void connect();
  void call();
  void lose_broker();
  void heard(const repl::ReplicaStatus& status, bool busy, TimeMs asked_at);
  void tick();
  TimeMs now_ms() const { return place_.boottime_ms(side_); }

  Place& place_;
  Paths& paths_;
  Node& broker_;
  const AgentConfig config_;
  const unsigned side_;
  std::uint64_t boots_ = 0;
  failover::Memory memory_;
  std::uint64_t requests_ = 0;
  TimeUs asked_until_ = 0, told_until_ = 0;  // when the last line on its way arrives
  std::unique_ptr<Life> life_;
};

}  // namespace tandemq::sim
