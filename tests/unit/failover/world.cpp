#include "world.h"

namespace tandemq::failover::model {
namespace {

constexpr TimeMs kTurnMs = 5;
constexpr TimeMs kHealthTimeoutMs = 300, kStandbyPatience = 3, kPatience = 10;

}  // namespace

World::World(std::uint64_t seed, bool manual) : rng(seed), manual_(manual) {
  nodes[0].index = nodes[0].broker.index = 1;
  nodes[1].index = nodes[1].broker.index = nodes[1].keepalived.index = 2;
}

void World::at(TimeMs when, std::function<void()> what) {
  agenda_.emplace(when, std::move(what));
}

void World::note(const std::string& line) {
  trace.push_back(std::to_string(now) + " " + line);
  if (trace.size() > 400) trace.erase(trace.begin(), trace.begin() + 200);
}

void World::start_all() {
  for (std::size_t n : {0u, 1u}) start_host(n);
}

void World::start_host(std::size_t n) {
  Node& node = nodes[n];
  node.host_up = true;
  node.keepalived.eligible = false;
  node.broker_due = now + 20 + pick(200);
  node.agent_due = now + 20 + pick(200);
  node.keepalived_due = now + 20 + pick(200);
  note("host " + std::to_string(n) + " starts");
}

void World::start_agent(std::size_t n) {
  Node& node = nodes[n];
  Settings set;
  set.index = node.index;
  set.boot = node.index * 1000 + ++node.boots;
  set.silence_decides = !manual_;
  std::unique_ptr<Authority> authority = std::make_unique<TimeoutAuthority>();
  if (manual_) authority = std::make_unique<ManualAuthority>();
  node.agent = std::make_unique<Machine>(set, std::move(authority), now, node.keepalived.eligible,
                                         node.keepalived.claim, node.memory);
  node.session = std::make_unique<PeerSession>(set.boot);
  node.seen_life = node.seen_change = 0;
  node.inbox.clear();
  node.started_at = now;
  deliver(n, {EventKind::interface, now, node.keepalived.interface_up});
  if (node.keepalived.alive) deliver(n, {EventKind::keepalived_up, now, {}});
  deliver(n, {EventKind::address, now, node.keepalived.address});
  if (!node.broker.alive || node.broker.spent) deliver(n, {EventKind::broker_lost, now, {}});
}

void World::kill_broker(std::size_t n, bool by_agent) {
  ModelBroker& b = nodes[n].broker;
  if (!b.alive) return;
  if (now >= b.disk_stalled_until) return end_broker(n);
  b.killed = true;
  if (!by_agent || b.spent) return;
  note("broker " + std::to_string(n) + " is spent");
  b.spent = true;
  nodes[n].orders.clear();
  tell_broker_lost(n);
}

void World::end_broker(std::size_t n) {
  Node& node = nodes[n];
  if (!node.broker.alive) return;
  note("broker " + std::to_string(n) + " dies");
  node.broker.alive = node.broker.connected = false;
  // The write that was under way may have been carried out.
  if (node.broker.claim_durable_at != 0) node.broker.in_sync = pick(2) == 0;
  node.broker.claim_durable_at = 0;
  node.orders.clear();
  node.broker_due = now + 50 + pick(400);
  if (!node.broker.spent) tell_broker_lost(n);
}

void World::tell_broker_lost(std::size_t n) {
  if (nodes[n].agent) to_agent(n, [this, n] { deliver(n, {EventKind::broker_lost, now, {}}); });
}

void World::kill_agent(std::size_t n) {
  note("agent " + std::to_string(n) + " dies");
  nodes[n].agent.reset();
  nodes[n].inbox.clear();
  nodes[n].agent_paused_until = 0;
  nodes[n].agent_due = now + 50 + pick(400);
}

void World::kill_keepalived(std::size_t n) {
  note("keepalived " + std::to_string(n) + " dies");
  nodes[n].keepalived.alive = false;
  nodes[n].keepalived.vrrp = Vrrp::unknown;
  nodes[n].keepalived_due = now + 500 + pick(1000);
  to_agent(n, [this, n] { deliver(n, {EventKind::keepalived_lost, now, {}}); });
}

void World::kill_host(std::size_t n) {
  nodes[n].broker.disk_stalled_until = 0;
  end_broker(n);
  kill_agent(n);
  kill_keepalived(n);
  note("host " + std::to_string(n) + " dies");
  Node& node = nodes[n];
  node.host_up = node.keepalived.address = false;
  node.agent.reset();
  node.memory = {};
  node.broker_due = node.agent_due = node.keepalived_due = 0;
}

void World::to_agent(std::size_t n, std::function<void()> what) {
  Node& node = nodes[n];
  if (!node.agent) return;
  if (node.agent_paused_until > now || !node.inbox.empty()) {
    node.inbox.push_back(std::move(what));
  } else {
    what();
  }
}

Actions World::deliver(std::size_t n, Event event) {
  if (!nodes[n].agent) return {};
  Actions actions = nodes[n].agent->handle(event);
  nodes[n].memory = memory_of(nodes[n].agent->state());
  carry_out(n, actions);
  return actions;
}

void World::carry_out(std::size_t n, const Actions& actions) {
  for (const Action& a : actions) {
    switch (a.kind) {
      case ActionKind::order_broker:
        if (nodes[n].agent->state().authority.by == std::string("timeout")) {
          const ModelBroker& other = nodes[1 - n].broker;
          admitted |= other.alive && other.role == Role::primary;
        }
        send_order(n, a);
        break;
      case ActionKind::kill_broker:
        kill_broker(n, true);
        break;
      case ActionKind::set_track:
        nodes[n].keepalived.told(a.on, a.claim, now);
        break;
      case ActionKind::take_address:
      case ActionKind::remove_address:
        set_address(n, a.kind == ActionKind::take_address);
        break;
      case ActionKind::send_report:
        send_report(n);
        break;
      case ActionKind::ask_status:
        nodes[n].seen_change = ~std::uint64_t{0};  // as if it had changed
        break;
      case ActionKind::transition:
        note("agent " + std::to_string(n) + " " + to_string(a.from) + " -> " + to_string(a.to) +
             " (" + to_string(a.cause) + "): " + a.why);
        break;
      default:
        break;
    }
  }
}

void World::send_order(std::size_t n, const Action& a) {
  note("agent " + std::to_string(n) + " orders " + to_string(a.order));
  const std::uint64_t life = nodes[n].seen_life;
  const std::uint64_t boot = nodes[n].boots;
  auto execute = [=, this] {
    ModelBroker& b = nodes[n].broker;
    if (!b.alive || b.life != life) return;
    OrderDone done = a.order == Order::switchover
                         ? hand_over(n)
                         : b.carry_out(a.order, a.epoch, a.on, a.change, a.deadline, now);
    note("broker " + std::to_string(n) + " " + to_string(a.order) + (done.ok ? " ok" : " refused"));
    if (a.order == Order::promote && done.ok) ledger_.begin_reign(b);
    at(now + pick(4), [=, this] {
      if (nodes[n].boots != boot || nodes[n].broker.life != life) return;
      to_agent(n, [=, this] { deliver(n, {EventKind::order_done, now, done}); });
    });
  };
  at(now + pick(4), [=, this] {
    Node& node = nodes[n];
    if (node.broker.paused_until > now || !node.orders.empty()) {
      node.orders.push_back(execute);
    } else {
      execute();
    }
  });
}

void World::send_report(std::size_t n) {
  Node& node = nodes[n];
  if (!node.agent || !node.host_up) return;
  Datagram d{node.session->next(now), report_of(node.agent->state(), node.agent->settings())};
  const std::size_t other = 1 - n;
  for (std::size_t path : {0u, 1u}) {
    const bool dark =
        path == 0 && (!nodes[0].keepalived.interface_up || !nodes[1].keepalived.interface_up);
    if (agents_cut || cut[n][path] || dark || pick(100) < loss_percent) continue;
    at(now + 1 + pick(delay_max), [=, this] {
      if (!nodes[other].host_up) return;
      to_agent(other, [=, this] { receive(other, d); });
    });
  }
}

void World::receive(std::size_t n, const Datagram& d) {
  if (!nodes[n].agent) return;
  PeerSession::Refusal why;
  auto accepted = nodes[n].session->accept(d.numbers, now, why);
  if (!accepted) {
    if (why != PeerSession::Refusal::unproven) return;
    deliver(n, {EventKind::peer_unproven, now, PeerReport{d.report}});
    return send_report(n);
  }
  deliver(n, {EventKind::peer_report, now,
              PeerReport{d.report, accepted->echo_sent_at, accepted->clock}});
}

// What the shell sees of the broker: connection, status changes, a loop that does not answer.
void World::observe_broker(std::size_t n) {
  Node& node = nodes[n];
  ModelBroker& b = node.broker;
  if (!node.agent || node.agent_paused_until > now || !b.alive || b.spent) return;
  if (b.paused_until > now) {
    if (node.seen_life != b.life) return;
    if (node.hung_since == 0) node.hung_since = now;
    const TimeMs patience = b.pair != PairState::paired ? kPatience
                            : b.role == Role::primary   ? 1
                                                        : kStandbyPatience;
    if (now - node.hung_since >= kHealthTimeoutMs * patience) {
      node.hung_since = 0;
      deliver(n, {EventKind::broker_hung, now, {}});
    }
    return;
  }
  node.hung_since = 0;
  if (node.seen_life == b.life && node.seen_change == b.change) return;
  const EventKind kind = node.seen_life == b.life ? EventKind::broker_status : EventKind::broker_up;
  node.seen_life = b.life;
  node.seen_change = b.change;
  BrokerStatus status = b.status(now);
  status.asked_at = now;
  to_agent(n, [this, n, kind, status] {
    if (nodes[n].broker.alive && !nodes[n].broker.spent) deliver(n, {kind, now, status});
  });
}

void World::supervise(std::size_t n) {
  Node& node = nodes[n];
  if (!node.host_up) return;
  auto due = [&](TimeMs& when) { return when != 0 && now >= when && (when = 0, true); };
  if (due(node.broker_due)) {
    node.broker.start();
    note("broker " + std::to_string(n) + " starts");
  }
  if (due(node.agent_due)) start_agent(n);
  if (due(node.keepalived_due)) {
    node.keepalived.alive = true;
    node.keepalived.vrrp = Vrrp::unknown;
    node.keepalived.advert_heard = now;
    to_agent(n, [this, n] { deliver(n, {EventKind::keepalived_up, now, {}}); });
  }
  if (node.broker.alive && node.broker.paused_until <= now && !node.orders.empty()) {
    auto orders = std::move(node.orders);
    node.orders.clear();
    for (auto& order : orders) order();
  }
  if (!node.agent || node.agent_paused_until > now) return;
  auto inbox = std::move(node.inbox);
  node.inbox.clear();
  for (auto& item : inbox) item();
  observe_broker(n);
  if (now % 10 == 0) deliver(n, {EventKind::tick, now, {}});
  if (now % 50 == 0) send_report(n);
}

void World::turn() {
  now += kTurnMs;
  while (!agenda_.empty() && agenda_.begin()->first <= now) {
    auto what = std::move(agenda_.begin()->second);
    agenda_.erase(agenda_.begin());
    what();
  }
  for (std::size_t n : {0u, 1u}) vrrp_turn(n);
  link_turn();
  for (std::size_t n : {0u, 1u}) supervise(n);
  if (now % 20 == 0) {
    for (std::size_t n : {0u, 1u}) write_turn(n);
  }
}

void World::run_until(TimeMs end) {
  while (now < end && violation.empty()) turn();
}

bool World::whole() const {
  for (std::size_t n : {0u, 1u}) {
    const ModelBroker &p = nodes[n].broker, &s = nodes[1 - n].broker;
    if (p.role == Role::primary && p.pair == PairState::paired && s.role == Role::standby &&
        s.in_sync && p.alive && s.alive && nodes[n].keepalived.vrrp == Vrrp::master) {
      return nodes[n].agent && nodes[n].agent->state().phase == Phase::primary;
    }
  }
  return false;
}

std::string World::describe() const {
  std::string out = violation;
  for (const std::string& line : trace) out += "\n  " + line;
  for (const Node& n : nodes) {
    out += "\nnode " + std::to_string(n.index) + ": broker " + to_string(n.broker.role) + "/" +
           to_string(n.broker.pair) + (n.broker.alive ? "" : " dead") +
           (n.broker.in_sync ? " in_sync" : " OUT") + (n.broker.was_solo ? " was_solo" : "") +
           " vrrp " + to_string(n.keepalived.vrrp);
    if (n.agent) {
      out += std::string(", agent ") + to_string(n.agent->state().phase) + ": " +
             n.agent->state().why + " | " + n.agent->waiting_for();
    }
  }
  return out;
}

}  // namespace tandemq::failover::model
