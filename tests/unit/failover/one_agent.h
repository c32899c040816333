// One agent on virtual time, with what its broker and its peer say made up by the test.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "failover/core/fsm.h"

namespace tandemq::failover {

struct OneAgent {
  explicit OneAgent(unsigned index, bool manual = false) {
    settings.index = index;
    settings.boot = 11;
    settings.silence_decides = !manual;
    start();
    peer.boot = 22;
    peer.broker_known = peer.broker_alive = peer.keepalived_alive = true;
    peer.vrrp = Vrrp::backup;
    peer.in_sync_lease_ms = 1100;
  }
  // `told`: by keepalived, which tells an agent that came after it nothing.
  void start(Vrrp told = Vrrp::backup) {
    std::unique_ptr<Authority> authority = std::make_unique<TimeoutAuthority>();
    if (!settings.silence_decides) authority = std::make_unique<ManualAuthority>();
    machine = std::make_unique<Machine>(settings, std::move(authority), now, eligible, 0, memory);
    tell(EventKind::keepalived_up);
    if (told != Vrrp::unknown) tell(EventKind::vrrp, told);
  }
  // Another life of the agent on the same host.
  void restart(Vrrp told = Vrrp::backup) {
    settings.boot += 100;
    ordered.clear();
    memory = memory_of(machine->state());
    eligible = machine->state().eligible;
    start(told);
  }
  // A status is one that was asked for just now, unless it says otherwise.
  void tell(EventKind kind, decltype(Event::data) data = {}) {
    auto* status = std::get_if<BrokerStatus>(&data);
    if (status && status->asked_at == 0) status->asked_at = now;
    for (const Action& a : machine->handle({kind, now, std::move(data)})) {
      if (a.kind == ActionKind::order_broker) ordered.push_back(a.order);
      asked_status |= a.kind == ActionKind::ask_status;
      killed |= a.kind == ActionKind::kill_broker;
    }
  }
  void hear(TimeMs echo_of) {
    tell(EventKind::peer_report, PeerReport{peer, echo_of, now + peer_ahead});
  }
  void pass(TimeMs ms, bool heard) {
    for (TimeMs end = now + ms; now < end;) {
      now += 10;
      if (heard && now % 50 == 0) hear(now - 20);
      broker.peer_silent_ms += 10;
      if (now % 200 == 0) tell(EventKind::broker_status, broker);
      tell(EventKind::tick);
    }
  }
  Report says() const { return report_of(machine->state(), settings); }
  bool released() const { return says().released; }
  Phase phase() const { return machine->state().phase; }
  bool was_ordered(Order what) const {
    return std::find(ordered.begin(), ordered.end(), what) != ordered.end();
  }

  Settings settings;
  TimeMs now = 100000;
  std::unique_ptr<Machine> machine;
  BrokerStatus broker;
  Report peer;
  TimeMs peer_ahead = 7000;  // of its clock before ours
  Memory memory;
  bool eligible = false;  // as the track file says
  std::vector<Order> ordered;
  bool asked_status = false, killed = false;
};

// B follows A, which reigns over a whole pair.
struct Following : OneAgent {
  Following() : OneAgent(2) {
    broker.epoch = peer.epoch = make_epoch(5, 1);
    broker.last_lsn = peer.last_lsn = 100;
    broker.in_sync = broker.was_in_sync = peer.in_sync = peer.was_in_sync = true;
    peer.role = Role::primary;
    peer.phase = Phase::primary;
    peer.vrrp = Vrrp::master;
    peer.holds_address = true;
    link(true);
    tell(EventKind::broker_up, broker);
    pass(3000, true);
  }
  // As both brokers have it; told with the next status.
  void link(bool on) {
    broker.peer_connected = on;
    broker.peer_silent_ms = 0;
    broker.pair_state = peer.pair_state = on ? PairState::paired : PairState::waiting;
  }
};

// A went on alone, and its broker is there again as standby; it is not told yet.
struct WentAlone : OneAgent {
  explicit WentAlone(bool manual = false) : OneAgent(1, manual) {
    broker.epoch = peer.epoch = make_epoch(5, 1);
    broker.last_lsn = 100;
    broker.in_sync = broker.was_in_sync = broker.was_solo = true;
    broker.peer_silent_ms = 100000;
  }
};

// A reigns over a whole pair.
struct Reigning : OneAgent {
  Reigning() : OneAgent(1) {
    tell(EventKind::vrrp, Vrrp::master);
    tell(EventKind::address, true);
    broker.role = Role::primary;
    broker.pair_state = peer.pair_state = PairState::paired;
    broker.epoch = peer.epoch = make_epoch(5, 1);
    broker.last_lsn = peer.last_lsn = 100;
    broker.in_sync = broker.was_in_sync = broker.peer_connected = true;
    peer.in_sync = peer.was_in_sync = true;
    peer.phase = Phase::standby;
    tell(EventKind::broker_up, broker);
    pass(3000, true);
  }
  // The peer is silent, and the broker has gone on without it.
  void go_alone() {
    broker.pair_state = PairState::solo;
    broker.was_solo = true;
    broker.peer_connected = false;
    pass(1000, false);
  }
};

}  // namespace tandemq::failover
