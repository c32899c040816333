#include <doctest/doctest.h>

#include "failover/core/fsm.h"
#include "failover/core/guards.h"
#include "one_agent.h"

using namespace tandemq;
using namespace tandemq::failover;

namespace {

// Both brokers have just started as standby; neither has confirmed the other.
State both_started(Lsn own_last, Lsn peer_last) {
  State s;
  s.facts.broker_alive = s.facts.peer.broker_alive = true;
  s.facts.broker.epoch = s.facts.peer.epoch = make_epoch(3, 1);
  s.facts.broker.last_lsn = own_last;
  s.facts.peer.last_lsn = peer_last;
  return s;
}

}  // namespace

TEST_CASE("a claim to have been in sync is worth nothing behind the same reign's longer journal") {
  Settings set;
  // This host was primary and lost power; the peer gave up being in sync when its lease ran out.
  State s = both_started(100, 180);
  s.facts.broker.was_in_sync = true;
  CHECK_FALSE(outranks_peer(s, set));
  CHECK(peer_outranks(s, set));

  State other = both_started(180, 100);
  other.facts.peer.was_in_sync = true;
  CHECK(outranks_peer(other, set));
  CHECK_FALSE(peer_outranks(other, set));
}

TEST_CASE("a claim to have been in sync counts where nothing is missing, or another reign began") {
  Settings set;
  State s = both_started(180, 180);
  s.facts.broker.was_in_sync = true;
  CHECK(outranks_peer(s, set));
  // What the peer holds more is of a reign that this node's followed.
  s = both_started(170, 180);
  s.facts.broker.was_in_sync = true;
  s.facts.broker.epoch = make_epoch(4, 2);
  CHECK(outranks_peer(s, set));
  // The peer went without this node: what was committed meanwhile is here alone.
  s = both_started(170, 180);
  s.facts.broker.was_solo = true;
  CHECK(outranks_peer(s, set));
}

TEST_CASE(
    "a reign that the other one followed, and whose records are gone here, was lost with the "
    "tail") {
  Settings set;
  State s = both_started(100, 180);
  s.facts.broker.was_in_sync = true;
  s.facts.peer.epoch = make_epoch(4, 1);
  CHECK_FALSE(outranks_peer(s, set));
  CHECK(peer_outranks(s, set));
}

TEST_CASE("a later reign of the peer that left nothing behind: the brokers have compared") {
  Settings set;
  // This node went on alone; the peer reigned later, and lost that with its host's power.
  State s = both_started(180, 150);
  s.facts.peer.epoch = make_epoch(2, 2);
  s.facts.peer_reign = make_epoch(4, 2);
  s.facts.broker_connected = true;
  s.facts.broker.in_sync = s.facts.broker.was_in_sync = s.facts.broker.was_solo = true;
  CHECK_FALSE(electable(s));
  s.facts.broker.peer_connected = true;
  CHECK(electable(s));
  CHECK(outranks_peer(s, set));
  SUBCASE("not where the peer went on alone too and its state is unusable") {
    s.facts.peer.was_solo = true;
    CHECK_FALSE(electable(s));
  }
  SUBCASE("not where the peer comes with an empty disk") {
    s.facts.peer.last_lsn = 0;
    CHECK_FALSE(electable(s));
  }
  SUBCASE("not while the peer reigns") {
    s.facts.peer.role = Role::primary;
    CHECK_FALSE(electable(s));
  }
}

TEST_CASE("a peer with an empty disk cannot say whether it went on alone before") {
  Settings set;
  State s = both_started(100, 0);
  s.facts.peer.epoch = 0;
  s.facts.broker.was_in_sync = true;
  CHECK_FALSE(outranks_peer(s, set));
  SUBCASE("who holds everything by its own finding needs no word of it") {
    s.facts.broker.in_sync = true;
    CHECK(outranks_peer(s, set));
  }
  SUBCASE("nor who went on alone") {
    s.facts.broker.was_solo = true;
    CHECK(outranks_peer(s, set));
  }
  SUBCASE("a peer that followed and has no record yet is not new") {
    s.facts.peer.was_in_sync = true;
    CHECK(outranks_peer(s, set));
  }

  State other = both_started(0, 100);
  other.facts.broker.epoch = 0;
  other.facts.peer.was_in_sync = true;
  CHECK_FALSE(peer_outranks(other, set));
  other.facts.peer.in_sync = true;
  CHECK(peer_outranks(other, set));

  set.index = 1;
  CHECK(outranks_peer(both_started(0, 0), set));  // a new pair
  set.index = 2;
  CHECK(peer_outranks(both_started(0, 0), set));
}

TEST_CASE("what a broker that is gone told last is the least that it holds") {
  Settings set;
  // This host lost power. The peer's broker had all, and died after its agent had last heard it.
  State s = both_started(180, 100);
  s.facts.broker.was_in_sync = s.facts.peer.was_in_sync = true;
  CHECK(outranks_peer(s, set));
  s.facts.peer.broker_alive = false;
  CHECK_FALSE(outranks_peer(s, set));
  // A broker that by its own finding holds everything needs no comparison.
  s.facts.broker.in_sync = true;
  CHECK(outranks_peer(s, set));

  State other = both_started(100, 180);
  other.facts.broker.was_in_sync = other.facts.peer.was_in_sync = true;
  CHECK(peer_outranks(other, set));
  other.facts.broker_alive = false;
  CHECK_FALSE(peer_outranks(other, set));
}

TEST_CASE("an agent that stood still grants nothing before it has read what it missed") {
  Settings set;
  State s = both_started(100, 180);
  s.facts.broker_known = s.facts.peer_known = true;
  s.facts.peer.ask = {AskKind::promote, 1};
  s.facts.now = s.facts.peer_heard_at = 5000;
  s.facts.awake_since = 4990;
  s.facts.lease_from = 4980;  // the peer had not heard us since
  CHECK_FALSE(guard::peer_asks_promote.holds(s, {}, set));
  s.facts.lease_from = 4991;
  CHECK(guard::peer_asks_promote.holds(s, {}, set));
}

TEST_CASE("a promotion that rests on an unconfirmed claim is for the episode of that claim") {
  State s = both_started(180, 180);
  s.phase = Phase::waiting_for_peer;
  s.facts.broker_connected = true;
  s.facts.broker.was_in_sync = true;
  s.facts.broker.change = 7;
  s.inquiry = {Purpose::cold_start, 1, 0, 7};
  const auto ordered = [](State state) {
    const Actions actions = step(
        state, {EventKind::authority_granted, 10, AuthorityAnswer{1, false, 0, "agreement", ""}},
        Settings{});
    for (const Action& a : actions)
      if (a.kind == ActionKind::order_broker && a.order == Order::promote) return a;
    FAIL("no order to promote");
    return Action{};
  };
  CHECK(ordered(s).on);
  CHECK(ordered(s).change == 7);
  s.facts.broker.in_sync = true;
  CHECK_FALSE(ordered(s).on);
  CHECK(ordered(s).change == 0);
}

TEST_CASE("a node beside one that came back with an empty disk waits for the operator") {
  OneAgent b(2);
  b.broker.epoch = make_epoch(5, 1);
  b.broker.last_lsn = 100;
  b.broker.was_in_sync = true;
  b.broker.peer_silent_ms = 100000;
  b.peer.phase = Phase::waiting_for_peer;
  b.tell(EventKind::broker_up, b.broker);
  for (int i = 0; i < 100; ++i) {
    b.peer.answer = {b.settings.boot, b.machine->state().inquiry.id};
    b.pass(50, true);
  }
  CHECK_FALSE(b.was_ordered(Order::promote));
  CHECK(b.machine->waiting_for().find("holds no data") != std::string::npos);
}

TEST_CASE("an agent knows that a broker which may have gone alone came back without its data") {
  Reigning a;
  a.go_alone();
  a.tell(EventKind::broker_lost);
  a.pass(100, false);
  a.broker = {};
  a.tell(EventKind::broker_up, a.broker);
  a.pass(1000, false);
  const auto told = [&a] { return report_of(a.machine->state(), a.settings); };
  CHECK(told().was_solo);
  CHECK(told().epoch == make_epoch(5, 1));
  a.restart();
  a.tell(EventKind::broker_up, a.broker);
  CHECK(told().was_solo);
  SUBCASE("nobody serves by an older claim beside it") {
    State b = both_started(100, 0);
    b.facts.broker.was_in_sync = true;
    b.facts.peer = told();
    Settings of_b;
    of_b.index = 2;
    CHECK_FALSE(outranks_peer(b, of_b));
    b.facts.broker.was_solo = true;  // of an earlier reign
    CHECK_FALSE(outranks_peer(b, of_b));
  }
  SUBCASE("until it follows a later reign") {
    a.broker.epoch = make_epoch(6, 2);
    a.broker.last_lsn = 50;
    a.tell(EventKind::broker_status, a.broker);
    CHECK_FALSE(told().was_solo);
  }
  SUBCASE("or holds everything again") {
    a.broker.epoch = make_epoch(4, 2);
    a.broker.in_sync = a.broker.was_in_sync = true;
    a.tell(EventKind::broker_status, a.broker);
    CHECK_FALSE(told().was_solo);
  }
}

TEST_CASE("a claim to be the last one that went alone is void where the lost one went later") {
  Settings set;
  State a = both_started(100, 0);
  a.facts.broker.epoch = make_epoch(5, 1);
  a.facts.broker.in_sync = a.facts.broker.was_in_sync = a.facts.broker.was_solo = true;
  a.facts.peer.was_solo = true;
  a.facts.peer.epoch = a.facts.peer_reign = make_epoch(6, 2);
  CHECK_FALSE(electable(a));
  CHECK_FALSE(outranks_peer(a, set));
  a.facts.peer.epoch = a.facts.peer_reign = make_epoch(4, 2);
  CHECK(electable(a));
  CHECK(outranks_peer(a, set));
}

TEST_CASE("who followed a later reign and lost its state then claims nothing of that reign") {
  Reigning a;
  a.go_alone();
  // The peer reigned too, higher: what was acknowledged here is in quarantine, the rest cut off.
  a.broker = {};
  a.broker.epoch = make_epoch(5, 2);
  a.broker.last_lsn = 43;
  a.broker.lost_alone = true;  // no snapshot has come yet
  a.tell(EventKind::broker_status, a.broker);
  a.tell(EventKind::broker_lost);
  a.broker.epoch = make_epoch(4, 1);
  a.broker.last_lsn = 471;
  a.tell(EventKind::broker_up, a.broker);
  CHECK(a.says().epoch == make_epoch(4, 1));

  State b = both_started(46, 471);
  b.facts.broker_connected = true;
  b.facts.broker.epoch = make_epoch(5, 2);
  b.facts.broker.in_sync = b.facts.broker.was_in_sync = b.facts.broker.was_solo = true;
  b.facts.peer = a.says();
  Settings of_b;
  of_b.index = 2;
  CHECK(outranks_peer(b, of_b));
}

TEST_CASE("a peer whose lonely reign is lost is granted nothing that it cannot use") {
  Settings set;
  State s = both_started(46, 471);
  s.facts.now = s.facts.peer_heard_at = 5000;
  s.facts.broker_known = s.facts.peer_known = true;
  s.facts.broker.was_in_sync = s.facts.peer.was_solo = true;
  s.facts.peer.epoch = s.facts.peer_reign = make_epoch(6, 2);
  s.facts.peer.ask = {AskKind::promote, 1};
  CHECK(peer_outranks(s, set));
  CHECK_FALSE(guard::peer_asks_promote.holds(s, {}, set));
  s.facts.peer.in_sync = true;
  CHECK(guard::peer_asks_promote.holds(s, {}, set));
}
