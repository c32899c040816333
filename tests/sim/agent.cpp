#include "tests/sim/agent.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "failover/core/health.h"
#include "tests/sim/process.h"

namespace tandemq::sim {
namespace {

using failover::EventKind;
using failover::Order;
using failover::OrderDone;

constexpr TimeUs kTick = 10 * kMs;
constexpr TimeUs kBrokerLook = 5 * kMs;
constexpr TimeUs kHeartbeat = 50 * kMs;
constexpr TimeMs kCallMs = 20;
constexpr TimeMs kStatusMs = 200;
constexpr std::uint64_t kHealthTimeoutMs = 300;
constexpr TimeUs kSocketMax = 400;  // the way of one line over the control socket

failover::BrokerStatus as_agent_sees(const repl::ReplicaStatus& status) {
  failover::BrokerStatus b;
  b.role = static_cast<failover::Role>(status.role);
  b.pair_state = static_cast<failover::PairState>(status.pair_state);
  b.epoch = status.epoch;
  b.last_lsn = status.last;
  b.in_sync = status.in_sync;
  b.was_in_sync = status.was_in_sync;
  b.was_solo = status.was_solo;
  b.lost_alone = status.lost_alone;
  b.peer_connected = status.peer_connected;
  b.peer_silent_ms = status.peer_silent_ms;
  b.change = status.change;
  return b;
}
static_assert(static_cast<int>(failover::Role::fenced) == static_cast<int>(repl::Role::fenced));
static_assert(static_cast<int>(failover::PairState::resyncing) ==
              static_cast<int>(repl::PairState::resyncing));

std::unique_ptr<failover::Authority> authority(bool manual) {
  if (manual) return std::make_unique<failover::ManualAuthority>();
  return std::make_unique<failover::TimeoutAuthority>();
}

}  // namespace

struct Agent::Life {
  Life(Clock& clock, const failover::Settings& settings, bool manual, TimeMs now,
       const test::Keepalived& told, const failover::Memory& memory)
      : process(clock),
        machine(settings, authority(manual), now, told.eligible, told.claim, memory),
        session(settings.boot),
        health(kHealthTimeoutMs) {}
  ~Life() { process.end(); }

  Process process;
  failover::Machine machine;
  failover::PeerSession session;
  failover::Health health;
  std::deque<failover::Event> queue;
  bool handling = false;
  std::map<std::uint64_t, Told> requests;

  std::uint64_t watched = 0;  // the broker's process as it numbers them, 0: none
  bool channel = false;
  bool absence_told = false;
  bool killed = false;  // by this agent
  bool buried = false;  // ... and counts as dead, though it stands in a call of its kernel
  std::map<std::uint64_t, Order> orders;  // not answered
  std::uint64_t next_order = 0;
  TimeMs call_due = 0, status_due = 0, looked_at = 0;
};

Agent::Agent(Place& place, Paths& paths, Node& broker, const AgentConfig& config)
    : place_(place), paths_(paths), broker_(broker), config_(config), side_(broker.side()) {
  keepalived.index = side_ + 1;
  paths_.attach(side_, [this](const Datagram& datagram) {
    if (life_) life_->process.post([this, datagram] { receive(datagram); });
  });
  broker_.on_status = [this](const repl::ReplicaStatus& status, bool busy) {
    if (!life_ || !life_->channel) return;
    from_broker([this, status, busy, of = broker_.life_number()] {
      if (life_->channel && life_->watched == of) heard(status, busy, 0);
    });
  };
}

Agent::~Agent() = default;

void Agent::start() {
  failover::Settings settings;
  settings.index = side_ + 1;
  settings.boot = (side_ + 1) * 1000 + ++boots_;
  settings.damping_ms = config_.damping_ms;
  settings.silence_decides = !config_.manual;
  life_ =
      std::make_unique<Life>(place_.clock, settings, config_.manual, now_ms(), keepalived, memory_);
  life_->process.ended = [this] { kill(); };
  life_->process.post([this] {
    post(EventKind::interface, keepalived.interface_up);
    if (keepalived.alive) post(EventKind::keepalived_up);  // its notifications are gone
    post(EventKind::address, keepalived.address);
    look_at_broker();
    tick();
    send_report();
  });
  const auto beat = [this](const auto& self) -> void {
    life_->process.after(kHeartbeat, [this, self] {
      self(self);
      send_report();
    });
  };
  beat(beat);
}

void Agent::kill() {
  if (!life_) return;
  place_.say(broker_.name() + ": the agent dies");
  life_.reset();
}

void Agent::stop() {
  if (life_) life_->process.stop();
}

void Agent::go_on() {
  if (life_ && life_->process.stopped()) life_->process.go_on();
}

void Agent::tick() {
  life_->process.after(kTick, [this] { tick(); });
  post(EventKind::tick);
}

void Agent::post(EventKind kind, decltype(failover::Event::data) data) {
  Life& life = *life_;
  life.queue.push_back({kind, now_ms(), std::move(data)});
  if (std::exchange(life.handling, true)) return;
  while (!life.queue.empty()) {
    const failover::Event event = std::move(life.queue.front());
    life.queue.pop_front();
    handle(event);
  }
  life.handling = false;
}

void Agent::handle(const failover::Event& event) {
  const failover::Actions actions = life_->machine.handle(event);
  memory_ = memory_of(life_->machine.state());
  for (const failover::Action& action : actions) carry_out(action);
}

void Agent::carry_out(const failover::Action& a) {
  if (actions_left != 0 && --actions_left == 0) throw ProcessEnds{};
  switch (a.kind) {
    case failover::ActionKind::order_broker:
      return order_broker(a);
    case failover::ActionKind::kill_broker:
      place_.say(broker_.name() + ": the agent kills the broker: " + a.why);
      life_->killed = life_->watched != 0;
      return place_.clock.after(0, [this] { broker_.kill("killed by its agent"); });
    case failover::ActionKind::set_track:
      return keepalived.told(a.on, a.claim, now_ms());
    case failover::ActionKind::send_report:
      return send_report();
    case failover::ActionKind::ask_status:
      if (life_->channel && life_->health.known()) call();
      return;
    case failover::ActionKind::transition:
      return place_.say(broker_.name() + ": agent " + to_string(a.from) + " -> " + to_string(a.to) +
                        ": " + a.why);
    case failover::ActionKind::reply: {
      const auto found = life_->requests.find(a.request);
      if (found == life_->requests.end()) return;
      const Told told = std::move(found->second);
      life_->requests.erase(found);
      return told(a.on ? "" : a.why);
    }
    case failover::ActionKind::take_address:
    case failover::ActionKind::remove_address:
      return set_address(a.kind == failover::ActionKind::take_address);
    case failover::ActionKind::announce:
    case failover::ActionKind::alarm:
      return;
  }
}

void Agent::order(EventKind kind, bool force, Told told) {
  if (!life_) return told("the agent does not run");
  life_->process.post([this, kind, force, told = std::move(told)] {
    life_->requests[++requests_] = told;
    post(kind, failover::OperatorOrder{requests_, force});
  });
}

// The control socket: one line after the other, either way.
TimeUs Agent::way(TimeUs& last) const {
  const TimeUs now = place_.clock.now();
  last = std::max(last, now + place_.random.between(20, kSocketMax));
  return last - now;
}

void Agent::ask_broker(std::function<void()> in_broker) {
  place_.clock.after(way(asked_until_),
                     [this, of = life_->watched, in_broker = std::move(in_broker)] {
                       if (broker_.life_number() == of) broker_.call(in_broker);
                     });
}

void Agent::from_broker(std::function<void()> in_agent) {
  place_.clock.after(way(told_until_), [this, boot = boots_, in_agent = std::move(in_agent)] {
    if (life_ && boots_ == boot) life_->process.post(in_agent);
  });
}

void Agent::order_broker(const failover::Action& a) {
  Life& life = *life_;
  if (!life.channel) {
    return post(EventKind::order_done,
                OrderDone{a.order, false, true, 0, 0, "no connection to the broker"});
  }
  const std::uint64_t number = ++life.next_order;
  life.orders[number] = a.order;
  Node::Order order{
      static_cast<Node::Order::Kind>(a.order), a.epoch, a.on, a.change, a.deadline, a.by};
  const auto answer = [this, number, what = a.order, of = life.watched,
                       boot = boots_](const Node::Answer& told) {
    if (boots_ != boot) return;
    from_broker([=, this] {
      if (life_->watched != of || life_->orders.erase(number) == 0) return;
      post(EventKind::order_done, OrderDone{what, told.refusal.empty(), !told.refusal.empty(),
                                            told.epoch, told.change, told.refusal});
    });
  };
  const bool alone = a.order == Order::solo && std::string_view(a.by) == "timeout";
  ask_broker([this, order, answer, alone] {
    if (alone && may_fork && may_fork()) place_.checker.fork();
    broker_.carry_out(order, answer);
  });
}

void Agent::send_report() {
  if (!life_) return;
  paths_.send(side_, {life_->session.next(now_ms()),
                      report_of(life_->machine.state(), life_->machine.settings())});
}

void Agent::receive(const Datagram& datagram) {
  failover::PeerSession::Refusal why;
  const auto accepted = life_->session.accept(datagram.numbers, now_ms(), why);
  if (accepted) {
    return post(EventKind::peer_report,
                failover::PeerReport{datagram.report, accepted->echo_sent_at, accepted->clock});
  }
  if (why != failover::PeerSession::Refusal::unproven) return;
  post(EventKind::peer_unproven, failover::PeerReport{datagram.report});
  send_report();
}

// As failover/shell/broker_client.
void Agent::look_at_broker() {
  Life& life = *life_;
  life.process.after(kBrokerLook, [this] { look_at_broker(); });
  const TimeMs now = now_ms();
  if (life.looked_at != 0 && now > life.looked_at + 100) life.health.stood_still(now);
  life.looked_at = now;
  if (life.killed && !life.buried && broker_.spent()) {
    place_.say(broker_.name() + ": killed, waits for its disk: counts as dead");
    life.buried = true;
    return lose_broker();
  }
  if (!life.channel) {
    connect();
    if (!life.channel && life.watched != 0 && life.health.lost_for_long(now)) {
      post(EventKind::broker_hung);
    }
    return;
  }
  if (life.health.known() && now >= life.status_due) call();
  if (!life.health.waits() && now >= life.call_due) {
    life.health.called(now);
    life.call_due = now + kCallMs;
    call();
  }
  if (life.health.hung(now, [](TimeMs) { return false; })) post(EventKind::broker_hung);
}

void Agent::connect() {
  Life& life = *life_;
  if (!broker_.exists()) {
    if (life.watched == 0 && !std::exchange(life.absence_told, true)) post(EventKind::broker_lost);
    return;
  }
  if (life.buried && life.watched == broker_.life_number()) return;
  life.killed = life.buried = false;
  life.watched = broker_.life_number();
  life.channel = true;
  life.health.connected(now_ms());
  call();
}

// The status answers as a ping does; while the broker recovers only that it lives.
void Agent::call() {
  life_->status_due = now_ms() + kStatusMs;
  ask_broker([this, of = life_->watched, boot = boots_, asked_at = now_ms()] {
    if (boots_ != boot) return;
    from_broker([=, this, status = broker_.status(), told = broker_.running()] {
      if (life_->watched != of || !life_->channel) return;
      life_->health.answered();
      if (told) heard(status, false, asked_at);
    });
  });
}

void Agent::heard(const repl::ReplicaStatus& status, bool busy, TimeMs asked_at) {
  Life& life = *life_;
  failover::BrokerStatus seen = as_agent_sees(status);
  seen.asked_at = asked_at;
  const bool first = !life.health.known();
  life.health.heard(seen, busy, now_ms());
  life.absence_told = false;
  post(first ? EventKind::broker_up : EventKind::broker_status, seen);
}

void Agent::broker_ended() {
  if (!life_ || life_->watched == 0) return;
  life_->process.post([this] {
    life_->watched = 0;
    if (!std::exchange(life_->buried, false)) lose_broker();
  });
}

void Agent::lose_broker() {
  Life& life = *life_;
  life.orders.clear();
  life.health.ended();
  life.channel = false;
  life.absence_told = true;
  post(EventKind::broker_lost);
}

void Agent::start_keepalived() {
  keepalived.alive = true;
  keepalived.vrrp = failover::Vrrp::unknown;
  keepalived.advert_heard = now_ms();
  if (!life_) return;
  life_->process.post([this] { post(EventKind::keepalived_up); });
}

void Agent::kill_keepalived() {
  if (!std::exchange(keepalived.alive, false)) return;
  place_.say(broker_.name() + ": keepalived dies");
  keepalived.vrrp = failover::Vrrp::unknown;
  // Killed it leaves the address where it is; that is the agent's to mend.
  if (life_) life_->process.post([this] { post(EventKind::keepalived_lost); });
}

void Agent::cable(bool in) {
  if (std::exchange(keepalived.interface_up, in) == in) return;
  place_.say(broker_.name() + (in ? ": service cable in" : ": service cable out"));
  if (life_) life_->process.post([this, in] { post(EventKind::interface, in); });
}

void Agent::vrrp_changed(failover::Vrrp state) {
  place_.say(broker_.name() + ": keepalived " + to_string(state));
  if (life_) life_->process.post([this, state] { post(EventKind::vrrp, state); });
}

void Agent::set_address(bool on) {
  if (std::exchange(keepalived.address, on) == on) return;
  if (!on && address_gone) address_gone();
  if (life_) life_->process.post([this, on] { post(EventKind::address, on); });
}

std::string Agent::describe() const {
  if (!life_) return "no agent";
  const failover::State& s = life_->machine.state();
  return std::string("agent ") + to_string(s.phase) + " (" + s.why + ") " +
         life_->machine.waiting_for();
}

}  // namespace tandemq::sim
