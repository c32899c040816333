// keepalived of both nodes, and the address.
#include <utility>

#include "world.h"

namespace tandemq::failover::model {
namespace {

constexpr TimeMs kAdvertMs = 100;

}  // namespace

void World::set_vrrp(std::size_t n, Vrrp state) {
  const Vrrp before = std::exchange(nodes[n].vrrp, state);
  if (before == state) return;
  note("keepalived " + std::to_string(n) + " " + to_string(state));
  to_agent(n, [this, n, state] { deliver(n, {EventKind::vrrp, now, state}); });
  if (state == Vrrp::master || before == Vrrp::master) set_address(n, state == Vrrp::master);
}

void World::set_address(std::size_t n, bool on) {
  if (std::exchange(nodes[n].address, on) == on) return;
  to_agent(n, [this, n, on] { deliver(n, {EventKind::address, now, on}); });
}

void World::vrrp_turn(std::size_t n) {
  Node& node = nodes[n];
  Node& other = nodes[1 - n];
  if (!node.keepalived || !node.host_up) return;
  const bool reaches = !cut[n][0] && node.interface_up && other.interface_up && other.host_up;
  if (!node.track_ok || !node.interface_up) {
    if (node.vrrp == Vrrp::master && reaches) other.advert_heard = now - 3 * kAdvertMs;
    return set_vrrp(n, Vrrp::fault);
  }
  if (node.vrrp == Vrrp::fault || node.vrrp == Vrrp::unknown) {
    node.advert_heard = now;
    return set_vrrp(n, Vrrp::backup);
  }
  if (node.vrrp == Vrrp::backup && now >= node.advert_heard + 3 * kAdvertMs + node.index) {
    set_vrrp(n, Vrrp::master);
    node.advert_due = now;
  }
  if (node.vrrp != Vrrp::master || now < node.advert_due) return;
  node.advert_due = now + kAdvertMs;
  if (!reaches || !other.keepalived || pick(100) < loss_percent) return;
  if (node.priority() < other.priority()) return;  // it discards that
  other.advert_heard = now;
  if (other.vrrp == Vrrp::master) set_vrrp(1 - n, Vrrp::backup);
}

}  // namespace tandemq::failover::model
