// What tests of single transitions share.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "machine_world.h"

namespace tandemq::repl {

// Index of an action among those carried out since `from`, or -1.
inline long position(const MachineNode& node, const std::string& name, std::size_t from) {
  for (std::size_t i = from; i < node.actions.size(); ++i) {
    if (node.actions[i] == name) return static_cast<long>(i);
  }
  return -1;
}

// Its checks are those of the test case as well.
struct World : MachineWorld {
  using MachineWorld::MachineWorld;
  ~World() { CHECK_MESSAGE(broken.empty(), broken); }

  // b reigns, and a's checkpoint holds what b never had: a comes back by snapshot only.
  void leave_only_a_snapshot() {
    pair_up();
    network = false;
    cut();
    append(a, 10);
    trim(a, a.last());
    REQUIRE(order(b, event::Promote{}).empty());
    network = true;
  }
};

}  // namespace tandemq::repl
