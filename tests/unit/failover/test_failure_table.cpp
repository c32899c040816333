// The rows of the failure table, one by one, on virtual time.
#include <doctest/doctest.h>

#include "world.h"

namespace tandemq::failover::model {
namespace {

// Node 0 primary, node 1 in sync, both past damping.
struct Pair : World {
  explicit Pair(bool manual = false) : World(1, manual) {
    start_all();
    run_until(3000);
    REQUIRE(whole());
    primary = nodes[0].broker.role == Role::primary ? 0 : 1;
    standby = 1 - primary;
  }
  // Runs until `done` or the end of `limit_ms`; returns the milliseconds it took, limit when not.
  TimeMs until(TimeMs limit_ms, const std::function<bool()>& done) {
    const TimeMs begin = now;
    while (now < begin + limit_ms && !done()) run_until(now + 5);
    return now - begin;
  }
  bool serves(std::size_t n) {
    const ModelBroker& b = nodes[n].broker;
    return b.alive && b.role == Role::primary && b.pair != PairState::waiting;
  }
  TimeMs takes_over(TimeMs limit_ms) {
    return until(limit_ms, [this] { return serves(standby); });
  }
  // The primary loses its standby, then its power; it reigns alone when the standby comes back.
  void begin_alone() {
    kill_host(standby);
    until(5000, [this] { return nodes[primary].broker.pair == PairState::solo; });
    kill_host(primary);
    run_until(now + 1000);
    start_host(primary);
    CHECK(until(8000, [this] { return serves(primary); }) < 8000);
    start_host(standby);
  }
  Phase phase(std::size_t n) { return nodes[n].agent->state().phase; }
  void cut_all(bool on) { cut = {{{on, on}, {on, on}}}; }
  int changes(const char* to) {
    int count = 0;
    for (const std::string& line : trace) count += line.find(to) != std::string::npos;
    return count;
  }
  ~Pair() { CHECK_MESSAGE(violation.empty(), describe()); }
  std::size_t primary = 0, standby = 1;
};

}  // namespace

TEST_CASE("primary broker killed: promoted within milliseconds, then paired again") {
  Pair p;
  p.kill_broker(p.primary);
  CHECK(p.takes_over(1000) <= 40);
  CHECK(p.until(5000, [&] { return p.whole(); }) < 2000);
}

TEST_CASE("role released: keepalived is left alone until it is master, then the claim is raised") {
  Pair p;
  p.kill_broker(p.primary);
  CHECK(p.until(1000, [&] { return p.nodes[p.standby].keepalived.vrrp == Vrrp::master; }) <= 50);
  CHECK(p.until(1000, [&] { return p.nodes[p.standby].keepalived.claim > 0; }) <= 20);
}

TEST_CASE("primary broker hung: killed first, promoted after") {
  Pair p;
  p.nodes[p.primary].broker.paused_until = p.now + 60000;
  const TimeMs took = p.takes_over(2000);
  CHECK(took >= 300);
  CHECK(took <= 400);
  CHECK_FALSE(p.nodes[p.primary].broker.alive);
}

TEST_CASE("primary's disk stands still for ever: killed, it counts as dead, the standby serves") {
  Pair p;
  p.stall_disk(p.primary, 1'000'000);
  CHECK(p.takes_over(2000) <= 450);
  CHECK(p.nodes[p.primary].broker.alive);
}

TEST_CASE("standby's disk stands still: the primary goes on alone, whole when the disk is back") {
  Pair p;
  p.stall_disk(p.standby, 5000);
  CHECK(p.until(10000, [&] { return p.nodes[p.primary].broker.pair == PairState::solo; }) <= 1000);
  CHECK(p.nodes[p.standby].broker.alive);
  CHECK(p.until(15000, [&] { return p.whole(); }) < 10000);
}

TEST_CASE(
    "broker and agent of the primary stuck, keepalived alive: the standby serves, has the "
    "address") {
  Pair p;
  p.nodes[p.primary].broker.paused_until = p.nodes[p.primary].agent_paused_until = p.now + 4000;
  CHECK(p.takes_over(2000) <= 350);
  CHECK(p.nodes[p.standby].keepalived.address);
  CHECK(p.nodes[p.standby].keepalived.vrrp == Vrrp::backup);
  CHECK(p.until(2000, [&] { return p.nodes[p.standby].keepalived.vrrp == Vrrp::master; }) <= 450);
  CHECK(p.nodes[p.primary].keepalived.vrrp == Vrrp::backup);
  CHECK(p.until(10000, [&] { return p.whole(); }) < 8000);
  CHECK(p.phase(p.primary) == Phase::standby);
  CHECK(p.nodes[p.standby].keepalived.claim == 1);
}

TEST_CASE("agents and link cut, VRRP heard: who lost the address does not take it back") {
  Pair p;
  p.agents_cut = p.cut[0][1] = p.cut[1][1] = true;
  CHECK(p.takes_over(2000) <= 350);
  p.run_until(p.now + 8000);
  CHECK(p.nodes[p.standby].keepalived.address);
  CHECK_FALSE(p.nodes[p.primary].keepalived.address);
  CHECK_FALSE(p.serves(p.primary));
}

TEST_CASE("a silence before anybody reigned is no flapping") {
  World w(1, false);
  w.start_all();
  const auto met = [&](std::size_t n) {
    return w.nodes[n].agent && w.nodes[n].agent->state().facts.peer_known;
  };
  while (!met(0) || !met(1)) w.run_until(w.now + 5);
  REQUIRE(w.nodes[0].broker.role == Role::standby);
  REQUIRE(w.nodes[1].broker.role == Role::standby);
  w.cut = {{{true, true}, {true, true}}};
  w.run_until(w.now + 600);
  w.cut = {};
  while (!w.whole()) w.run_until(w.now + 5);
  for (const Node& node : w.nodes) CHECK(node.agent->state().flapped_at == 0);
}

TEST_CASE("keepalived that wakes with the claim of an earlier reign does not get the address") {
  Pair p;
  for (int reigns = 0; reigns < 4; ++reigns) {
    const unsigned asleep = p.nodes[p.primary].keepalived.priority();
    Node& old = p.nodes[p.primary];
    old.broker.paused_until = old.agent_paused_until = p.now + 2000;
    CHECK(p.takes_over(1000) <= 400);
    CHECK(p.nodes[p.standby].keepalived.priority() > asleep);
    CHECK(p.until(10000, [&] { return p.whole(); }) < 8000);
    std::swap(p.primary, p.standby);
    p.run_until(p.now + 11000);
  }
}

TEST_CASE("primary host gone: VRRP and silence promote the standby") {
  Pair p;
  p.kill_host(p.primary);
  const TimeMs took = p.takes_over(1000);
  CHECK(took <= 400);
  p.start_host(p.primary);
  CHECK(p.until(10000, [&] { return p.whole(); }) < 5000);
  CHECK(p.phase(p.primary) == Phase::standby);
}

TEST_CASE("primary's service cable out: it hands over") {
  Pair p;
  p.nodes[p.primary].keepalived.interface_up = false;
  p.deliver(p.primary, {EventKind::interface, p.now, false});
  CHECK(p.takes_over(1000) <= 100);
  CHECK(p.nodes[p.primary].broker.role == Role::standby);
}

TEST_CASE("keepalived killed on the primary: demoted, address removed, the standby promoted") {
  Pair p;
  p.kill_keepalived(p.primary);
  CHECK(p.takes_over(1000) <= 60);
  CHECK(p.nodes[p.primary].broker.role == Role::standby);
}

TEST_CASE("keepalived killed on a primary whose standby cannot serve: it stays") {
  Pair p;
  p.kill_host(p.standby);
  p.until(8000, [&] { return p.nodes[p.primary].broker.pair == PairState::solo; });
  p.kill_keepalived(p.primary);
  p.run_until(p.now + 3000);
  CHECK(p.serves(p.primary));
}

TEST_CASE("agents killed: nothing moves") {
  Pair p;
  const Epoch epoch = p.nodes[p.primary].broker.epoch;
  p.kill_agent(p.primary);
  p.run_until(p.now + 2000);
  p.kill_agent(p.standby);
  p.run_until(p.now + 2000);
  CHECK(p.whole());
  CHECK(p.nodes[p.primary].broker.epoch == epoch);
  CHECK(p.nodes[p.primary].keepalived.vrrp == Vrrp::master);
}

TEST_CASE("standby broker killed: solo at once, by agreement of the agents") {
  Pair p;
  p.nodes[p.standby].broker_due = 0;
  p.kill_broker(p.standby);
  p.nodes[p.standby].broker_due = p.now + 3000;
  const TimeMs took = p.until(1000, [&] {
    return p.serves(p.primary) && p.nodes[p.primary].broker.pair == PairState::solo;
  });
  CHECK(took <= 60);
  CHECK(p.until(9000, [&] { return p.whole(); }) < 5000);
}

TEST_CASE("standby host gone: solo after its lease and the margin, not before") {
  Pair p;
  p.kill_host(p.standby);
  const TimeMs took =
      p.until(10000, [&] { return p.nodes[p.primary].broker.pair == PairState::solo; });
  CHECK(took >= 1300);
  CHECK(took <= 1500);
}

TEST_CASE("a death soon after another one is no flapping: taken over at once") {
  Pair p;
  p.kill_broker(p.primary);
  p.until(3000, [&] { return p.whole(); });
  REQUIRE(p.whole());
  std::swap(p.primary, p.standby);
  REQUIRE(p.serves(p.primary));
  p.kill_host(p.primary);
  CHECK(p.takes_over(3000) <= 400);
}

TEST_CASE(
    "manual: a standby keeps its claim however long the primary is silent, one order serves") {
  Pair p(true);
  p.kill_agent(p.primary);  // first: with it the host has no last words
  p.kill_host(p.primary);
  p.run_until(p.now + 20000);
  CHECK(p.nodes[p.standby].broker.in_sync);
  CHECK(p.phase(p.standby) == Phase::asking);
  CHECK(p.nodes[p.standby].agent->waiting_for().find("tandemqctl promote") != std::string::npos);
  p.deliver(p.standby, {EventKind::operator_promote, p.now, OperatorOrder{1, false}});
  CHECK(p.takes_over(1000) <= 50);
}

TEST_CASE("link cut only: primary solo at once, the standby marked out of sync") {
  Pair p;
  p.cut[0][1] = p.cut[1][1] = true;
  const TimeMs took =
      p.until(2000, [&] { return p.nodes[p.primary].broker.pair == PairState::solo; });
  CHECK(took <= 300);
  CHECK_FALSE(p.nodes[p.standby].broker.in_sync);
  CHECK(p.nodes[p.primary].keepalived.vrrp == Vrrp::master);
  p.cut = {};
  CHECK(p.until(5000, [&] { return p.whole(); }) < 3000);
}

TEST_CASE("link cut in a reign that began alone: the standby is asked all the same") {
  Pair p;
  p.begin_alone();
  CHECK(p.until(10000, [&] { return p.whole(); }) < 10000);
  CHECK_FALSE(p.nodes[p.primary].agent->state().authority.alone);
  p.cut[0][1] = p.cut[1][1] = true;
  p.until(2000, [&] { return p.nodes[p.primary].broker.pair == PairState::solo; });
  CHECK_FALSE(p.nodes[p.standby].broker.in_sync);
}

TEST_CASE("a standby that writes its claim is asked before a reign that began alone goes on so") {
  Pair p;
  p.begin_alone();
  ModelBroker& claimant = p.nodes[p.standby].broker;
  CHECK(p.until(10000, [&] { return claimant.claim_durable_at != 0; }) < 10000);
  claimant.claim_durable_at = claimant.paused_until = p.now + 800;
  p.run_until(p.now + 300);
  p.kill_host(p.primary);
  p.run_until(p.now + 5000);  // nothing acknowledged meanwhile is missing
}

TEST_CASE("link cut, primary solo, primary dies: the stale standby waits and says why") {
  Pair p;
  p.cut[0][1] = p.cut[1][1] = true;
  p.run_until(p.now + 1000);
  p.kill_host(p.primary);
  p.run_until(p.now + 20000);
  CHECK(p.nodes[p.standby].broker.role == Role::standby);
  CHECK(p.nodes[p.standby].agent->waiting_for().find("out of sync") != std::string::npos);
  // The operator may accept the loss.
  const OperatorOrder gentle{1, false}, forced{2, true};
  p.deliver(p.standby, {EventKind::operator_promote, p.now, gentle});
  CHECK(p.phase(p.standby) == Phase::waiting_for_peer);
  p.deliver(p.standby, {EventKind::operator_promote, p.now, forced});
  p.until(1000, [&] { return p.nodes[p.standby].broker.role == Role::primary; });
  CHECK(p.nodes[p.standby].broker.role == Role::primary);
  p.violation.clear();
}

TEST_CASE("all paths cut, authority manual: nobody acknowledges, the operator decides") {
  Pair p(true);
  p.cut_all(true);
  p.run_until(p.now + 15000);
  CHECK(p.nodes[p.primary].broker.pair == PairState::waiting);
  CHECK(p.nodes[p.standby].broker.role == Role::standby);
  CHECK(p.nodes[p.standby].broker.in_sync);  // nobody can have gone on without it
  p.deliver(p.primary, {EventKind::operator_solo, p.now, OperatorOrder{1, false}});
  CHECK(p.until(100, [&] { return p.serves(p.primary); }) <= 20);
  p.cut_all(false);
  CHECK(p.until(5000, [&] { return p.whole(); }) < 5000);
}

TEST_CASE("one-way loss: at most one change, and none while the standby hears the primary") {
  for (std::size_t from : {0u, 1u}) {
    Pair p;
    p.cut[from] = {true, true};
    p.run_until(p.now + 9000);
    p.cut = {};
    CHECK(p.until(8000, [&] { return p.whole(); }) < 8000);
    CHECK(p.changes("promoting ->") <= 2);  // the one of the start is among them
    if (from == p.standby) CHECK(p.nodes[p.primary].broker.role == Role::primary);
  }
}

TEST_CASE("both hosts lose power: the right one serves, in whatever order they return") {
  for (std::size_t first : {0u, 1u}) {
    Pair p;
    p.kill_host(p.standby);
    p.until(9000, [&] { return p.nodes[p.primary].broker.pair == PairState::solo; });
    p.run_until(p.now + 500);
    p.kill_host(p.primary);
    p.run_until(p.now + 1000);
    p.start_host(first);
    p.run_until(p.now + 8000);
    // Only the one that went on alone may serve alone.
    CHECK(p.serves(first) == (first == p.primary));
    p.start_host(1 - first);
    CHECK(p.until(10000, [&] { return p.whole(); }) < 10000);
    CHECK(p.nodes[p.primary].broker.role == Role::primary);
  }
}

TEST_CASE("both off while paired, one returns: it waits for the peer or the operator") {
  Pair p;
  p.kill_host(p.standby);
  p.kill_host(p.primary);
  p.run_until(p.now + 1000);
  p.start_host(p.primary);
  p.run_until(p.now + 20000);
  CHECK(p.nodes[p.primary].broker.role == Role::standby);
  CHECK(p.nodes[p.primary].agent->waiting_for() != "");
  p.deliver(p.primary, {EventKind::operator_promote, p.now, OperatorOrder{1, false}});
  CHECK(p.until(1000, [&] { return p.nodes[p.primary].broker.role == Role::primary; }) < 100);
}

TEST_CASE("flapping of all paths: no more than one change within the damping time") {
  Pair p;
  // A first change, so that damping runs.
  p.kill_broker(p.primary);
  p.until(3000, [&] { return p.whole(); });
  const int before = p.changes("promoting ->");
  for (int i = 0; i < 6; ++i) {
    p.cut_all(true);
    p.run_until(p.now + 500);
    p.cut_all(false);
    p.run_until(p.now + 700);
  }
  CHECK(p.changes("promoting ->") <= before + 1);
  CHECK(p.until(5000, [&] { return p.whole(); }) < 5000);
}

TEST_CASE("keepalived paused: two holders, then the address follows the broker") {
  Pair p;
  p.cut[p.primary][0] = true;  // its adverts do not arrive; the agents still hear each other
  p.until(1000, [&] { return p.nodes[p.standby].keepalived.vrrp == Vrrp::master; });
  CHECK(p.until(1500, [&] { return p.nodes[p.standby].keepalived.vrrp == Vrrp::fault; }) < 1000);
  CHECK(p.serves(p.primary));
}

TEST_CASE("a switchover to a standby that cannot take over is refused with a reason") {
  Pair p;
  p.kill_host(p.standby);
  p.run_until(p.now + 1000);
  const Actions actions =
      p.deliver(p.primary, {EventKind::operator_switchover, p.now, OperatorOrder{7, false}});
  REQUIRE(actions.size() == 1);
  CHECK(actions[0].kind == ActionKind::reply);
  CHECK(actions[0].request == 7);
  CHECK_FALSE(actions[0].on);
  CHECK(actions[0].why.find("cannot take over") != std::string::npos);
}

TEST_CASE("an order that no row knows is refused with the state and its reason") {
  Pair p;
  const Actions actions =
      p.deliver(p.standby, {EventKind::operator_solo, p.now, OperatorOrder{9, false}});
  REQUIRE(actions.size() == 1);
  CHECK(actions[0].why.find("standby") != std::string::npos);
}

}  // namespace tandemq::failover::model
