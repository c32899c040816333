#include <algorithm>

#include "world.h"

namespace tandemq::failover::model {

void World::heal() {
  cut = {};
  agents_cut = false;
  loss_percent = 0;
  delay_max = 3;
  for (std::size_t n : {0u, 1u}) {
    if (!nodes[n].host_up) start_host(n);
    if (!nodes[n].keepalived.interface_up) {
      nodes[n].keepalived.interface_up = true;
      to_agent(n, [this, n] { deliver(n, {EventKind::interface, now, true}); });
    }
  }
}

void World::stall_disk(std::size_t n, TimeMs length) {
  ModelBroker& b = nodes[n].broker;
  if (!b.alive || b.disk_stalled_until > now) return;
  note("disk " + std::to_string(n) + " stands still for " + std::to_string(length));
  const std::uint64_t life = b.life;
  b.disk_stalled_until = now + length;
  b.paused_until = std::max(b.paused_until, b.disk_stalled_until);
  if (b.claim_durable_at != 0) b.claim_durable_at = std::max(b.claim_durable_at, b.paused_until);
  at(now + length, [this, n, life] {
    const ModelBroker& woken = nodes[n].broker;
    if (woken.life == life && woken.killed) end_broker(n);
  });
}

void World::random_fault() {
  const std::size_t n = pick(2);
  const std::size_t path = pick(2);
  const TimeMs length = 20 + pick(pick(2) ? 800 : 9000);
  switch (pick(14)) {
    case 0:
      return kill_broker(n);
    case 1:
      return kill_agent(n);
    case 2:
      return kill_keepalived(n);
    case 3:
      if (!nodes[n].host_up) return;
      kill_host(n);
      return at(now + 200 + length, [this, n] {
        if (!nodes[n].host_up) start_host(n);
      });
    case 4:
      note("broker " + std::to_string(n) + " pauses " + std::to_string(length));
      nodes[n].broker.paused_until = now + length;
      return;
    case 5:
      note("agent " + std::to_string(n) + " pauses " + std::to_string(length));
      nodes[n].agent_paused_until = now + length;
      return;
    case 6:
      note("cut path " + std::to_string(path) + " for " + std::to_string(length));
      cut[0][path] = cut[1][path] = true;
      return at(now + length, [this, path] { cut[0][path] = cut[1][path] = false; });
    case 7:
      note("cut from " + std::to_string(n) + " path " + std::to_string(path) + " for " +
           std::to_string(length));
      cut[n][path] = true;
      agents_cut = pick(4) == 0;
      return at(now + length, [this, n, path] { cut[n][path] = agents_cut = false; });
    case 8:
      note("cut all for " + std::to_string(length));
      cut = {{{true, true}, {true, true}}};
      return at(now + length, [this] { cut = {}; });
    case 11:
      for (std::size_t k : {0u, 1u}) {
        deliver(k, {EventKind::operator_switchover, now, OperatorOrder{1, false}});
      }
      return;
    case 12:
      return stall_disk(n, length);
    case 9:
      loss_percent = 40;
      return at(now + length, [this] { loss_percent = 0; });
    case 10:
      delay_max = 1 + pick(400);
      return at(now + length, [this] { delay_max = 3; });
    default:
      note("cable out " + std::to_string(n) + " for " + std::to_string(length));
      nodes[n].keepalived.interface_up = false;
      to_agent(n, [this, n] { deliver(n, {EventKind::interface, now, false}); });
      return at(now + length, [this, n] {
        nodes[n].keepalived.interface_up = true;
        to_agent(n, [this, n] { deliver(n, {EventKind::interface, now, true}); });
      });
  }
}

}  // namespace tandemq::failover::model
