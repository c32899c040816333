// The agents of both nodes and their witness, simplified to what authority means: one record says
// who reigns and whether alone, and is changed in one step with the order that it allows.
// Each agent sees its own broker, and the other node only where a path is open.
#pragma once

#include <string>

#include "tests/sim/node.h"

namespace tandemq::sim {

class Authority {
 public:
  Authority(Place& place, Node& a, Node& b, Broken broken)
      : place_(place), nodes_{&a, &b}, broken_(broken) {}
  void start();
  void pause(bool paused) { paused_ = paused; }
  // The agent of this side cannot reach the witness.
  void isolate(unsigned side, bool isolated) { view_[side].isolated = isolated; }

  // By hand, as a scenario or an operator asks; with the same rules. Empty when done.
  std::string promote(unsigned side, bool force);
  std::string go_solo(unsigned side);

  TimeUs peer_dead_after = 60 * kMs;  // nothing heard from the other node on any path
  TimeUs waiting_for = 150 * kMs;     // a primary waits this long before it asks to go on alone

 private:
  struct View {  // of one agent
    bool isolated = false;
    TimeUs peer_seen = 0;
    TimeUs waiting_since = 0;
    TimeUs nobody_since = 0;
  };
  struct Witness {
    unsigned holder = 0;  // side that reigns
    bool alone = false;   // the other one may lack records
    Epoch epoch = 0;
  };
  void watch();
  void judge(unsigned side);
  void judge_primary(unsigned side, const repl::ReplicaStatus& status);
  void judge_standby(unsigned side, const repl::ReplicaStatus& status);

  Place& place_;
  Node* nodes_[2];
  const Broken broken_;
  View view_[2];
  Witness witness_;
  bool paused_ = false;
};

}  // namespace tandemq::sim
