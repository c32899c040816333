// keepalived of both nodes, and the address.
#include <utility>

#include "world.h"

namespace tandemq::failover::model {

void World::set_address(std::size_t n, bool on) {
  if (std::exchange(nodes[n].keepalived.address, on) == on) return;
  to_agent(n, [this, n, on] { deliver(n, {EventKind::address, now, on}); });
}

void World::vrrp_turn(std::size_t n) {
  test::Keepalived& own = nodes[n].keepalived;
  test::Keepalived& other = nodes[1 - n].keepalived;
  if (!own.alive || !nodes[n].host_up) return;
  const bool reaches = !cut[n][0] && own.interface_up && other.interface_up && nodes[1 - n].host_up;
  const auto changed = [this](const test::Keepalived& whose, Vrrp state) {
    const std::size_t at = whose.index - 1;
    note("keepalived " + std::to_string(at) + " " + to_string(state));
    to_agent(at, [this, at, state] { deliver(at, {EventKind::vrrp, now, state}); });
  };
  const auto address = [this](const test::Keepalived& whose, bool on) {
    set_address(whose.index - 1, on);
  };
  test::keepalived_turn(own, other, now,
                        {reaches, [this] { return pick(100) < loss_percent; }, changed, address});
}

}  // namespace tandemq::failover::model
