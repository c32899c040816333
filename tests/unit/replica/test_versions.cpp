// Nodes of different versions: what they agree on, what is durable of it, and who is refused.
#include <doctest/doctest.h>

#include "machine_world.h"

using namespace tandemq;
using namespace tandemq::repl;

namespace {

constexpr std::uint16_t kNewKind = 40;

const Features kOld = features_with({{16, 1}, {17, 1}}, 1);
const Features kNew = features_with({{16, 1}, {17, 2}, {kNewKind, 1}}, 1);

struct Versions : MachineWorld {
  Versions(const Features& of_a, const Features& of_b) {
    install(a, of_a);
    install(b, of_b);
    a.config.settings = b.config.settings = {{"commit", "replicated"}, {"queued", "100"}};
  }
  // Another program on the node's data.
  void install(MachineNode& node, const Features& known) {
    node.config.known = known;
    node.config.baseline = kOld;
    node.config.software = known == kNew ? "2.0" : "1.0";
    node.config.peer_name = node.index == 1 ? "b" : "a";
  }
  void upgrade(MachineNode& node, const Features& known) {
    kill(node);
    install(node, known);
    start(node);
    settle();
  }
  bool paired() { return a.status().pair_state == PairState::paired && b.status().in_sync; }
  ~Versions() { CHECK(broken == ""); }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("features: what two have in common, and what one lacks") {
  CHECK(common(kOld, kNew) == kOld);
  CHECK(common(kNew, kOld) == kOld);
  CHECK(covers(kNew, kOld));
  CHECK_FALSE(covers(kOld, kNew));
  CHECK(lacking(kNew, kOld) == "");
  CHECK(lacking(kOld, kNew) == "version 2 of record kind 17, record kind 40");
  Features later = kOld;
  later.frame = 2;
  later.snapshot = 3;
  CHECK(lacking(kOld, later) == "frame format 2, snapshot format 3");
  CHECK_FALSE(covers(kOld, later));
  CHECK(common(later, kOld) == kOld);
  CHECK(to_text(kNew) == "frame 1, snapshot 1, records 1-4 16-17 40 17v2");
  const KindTable table = table_of(kNew);
  CHECK(version_in(table, 17) == 2);
  CHECK(version_in(table, 18) == 0);
  CHECK(version_in(table, 60000) == 0);
}

TEST_CASE("a pair writes what both can read, whichever of them is newer") {
  for (const bool a_is_newer : {true, false}) {
    Versions world(a_is_newer ? kNew : kOld, a_is_newer ? kOld : kNew);
    world.pair_up();
    CHECK(world.paired());
    for (MachineNode* node : {&world.a, &world.b}) {
      CHECK(node->meta.agreed == kOld);
      CHECK(node->replica->writes(kNewKind) == 0);
      CHECK(node->replica->writes(17) == 1);
    }
    CHECK(world.a.replica->meeting().peer_software == (a_is_newer ? "1.0" : "2.0"));
  }
}

TEST_CASE("both of the next version: the level rises when they meet and is durable on both") {
  Versions world(kOld, kNew);
  world.pair_up();
  world.append(world.a);
  world.upgrade(world.b, kNew);
  CHECK(world.b.meta.agreed == kOld);
  CHECK(world.order(world.a, event::Switchover{}) == "");
  world.settle();
  CHECK(world.b.status().role == Role::primary);
  CHECK(world.b.replica->writes(kNewKind) == 0);
  world.upgrade(world.a, kNew);
  for (MachineNode* node : {&world.a, &world.b}) {
    CHECK(node->meta.agreed == kNew);
    CHECK(node->meta.software == "2.0");
    CHECK(node->replica->writes(kNewKind) == 1);
    CHECK(node->replica->writes(17) == 2);
  }
}

TEST_CASE("alone, a node writes by what was agreed last; never met, by what all releases read") {
  Versions world(kNew, kOld);
  world.start(world.a);
  CHECK(world.order(world.a, event::Promote{0, true}) == "");
  CHECK(world.a.replica->writes(kNewKind) == 0);
  world.start(world.b);
  world.settle();
  world.kill(world.b);
  world.upgrade(world.a, kNew);
  CHECK(world.a.replica->writes(kNewKind) == 0);
  world.install(world.b, kNew);
  world.start(world.b);
  world.settle();
  CHECK(world.a.replica->writes(kNewKind) == 1);
  world.kill(world.b);
  world.upgrade(world.a, kNew);  // restarted alone
  CHECK(world.a.replica->writes(kNewKind) == 1);
}

TEST_CASE("a single node writes all it knows, and a peer that comes later must know that") {
  Versions world(kNew, kOld);
  world.a.config.single = true;
  world.start(world.a);
  CHECK(world.a.meta.agreed == kNew);
  world.kill(world.a);
  world.a.config.single = false;
  world.start(world.a);
  world.start(world.b);
  world.settle();
  CHECK_FALSE(world.a.status().peer_connected);
  CHECK(contains(world.a.replica->meeting().refused, "record kind 40"));
}

TEST_CASE("a node that was put back is refused before harm, with both versions named on both") {
  Versions world(kNew, kNew);
  world.pair_up();
  world.append(world.a);
  world.settle();
  // Its data of before are gone as well: it knows nothing of what was agreed.
  world.kill(world.b);
  world.b.meta = {};
  world.b.journal.clear();
  world.b.checkpoint.clear();
  world.b.synced = 0;
  world.upgrade(world.b, kOld);
  for (MachineNode* node : {&world.a, &world.b}) {
    CHECK_FALSE(node->status().peer_connected);
    const std::string why = node->replica->meeting().refused;
    CHECK(
        contains(why, "b (TandeMQ 1.0) does not know version 2 of record kind 17, record kind 40"));
    CHECK(contains(why, "a (TandeMQ 2.0)"));
    CHECK(contains(node->status().reason, "does not know"));
  }
  CHECK(world.b.last() == 0);
  CHECK(world.a.status().pair_state != PairState::paired);
  // The right program on the same data.
  world.upgrade(world.b, kNew);
  CHECK(world.paired());
  CHECK(world.a.replica->meeting().refused == "");
  CHECK(world.b.replica->meeting().refused == "");
}

TEST_CASE("a primary heeds a later reign also of a peer that it cannot pair with") {
  Versions world(kNew, kNew);
  world.pair_up();
  world.network = false;
  world.cut();
  CHECK(world.order(world.b, event::Promote{}) == "");
  CHECK(world.a.status().role == Role::primary);
  world.b.replica.reset();
  world.b.connected = false;
  world.install(world.b, kOld);
  world.b.meta.agreed = kOld;
  world.start(world.b);
  world.network = true;
  world.settle();
  CHECK(world.a.status().role == Role::standby);
  CHECK(world.a.replica->meeting().refused != "");
}

TEST_CASE("settings that differ are told on both nodes, in words, and only where both have them") {
  Versions world(kOld, kOld);
  world.b.config.settings = {{"commit", "replicated"}, {"queued", "7"}, {"later", "1"}};
  world.pair_up();
  CHECK(world.paired());
  CHECK(to_text(world.a.replica->meeting().differences) == "queued is 100 here and 7 there");
  CHECK(to_text(world.b.replica->meeting().differences) == "queued is 7 here and 100 there");
  world.kill(world.b);
  world.b.config.settings = world.a.config.settings;
  world.start(world.b);
  world.settle();
  CHECK(world.a.replica->meeting().differences.empty());
}

TEST_CASE("a wrong name, pair or index is told on both nodes") {
  const auto refused = [](auto change, const char* words) {
    Versions world(kOld, kOld);
    change(world.b.config);
    world.start(world.a);
    world.start(world.b);
    world.settle();
    for (MachineNode* node : {&world.a, &world.b}) {
      INFO(words);
      CHECK_FALSE(node->status().peer_connected);
      CHECK(contains(node->replica->meeting().refused, words));
    }
  };
  refused([](ReplicaConfig& c) { c.node_name = "c"; },
          "a peer named 'b', but c (TandeMQ 1.0) came");
  refused([](ReplicaConfig& c) { c.peer_name = "x"; },
          "a peer named 'x', but a (TandeMQ 1.0) came");
  refused([](ReplicaConfig& c) { c.pair_id = "other"; }, "'other'");
  refused([](ReplicaConfig& c) { c.node_index = 1; }, "node.index 1");
}

TEST_CASE("of two commit rules the weaker one says what a node that is behind may claim") {
  for (const bool both : {true, false}) {
    Versions world(kOld, kOld);
    world.b.config.commit = CommitRule::replicated_synced;
    if (both) world.a.config.commit = CommitRule::replicated_synced;
    world.pair_up();
    world.append(world.a);
    while (world.deliver(world.b) || world.deliver(world.a)) {
    }
    if (!both) CHECK(world.a.status().committed == world.a.last());
    // Power goes on both; what b had received was not on its disk.
    world.kill(world.a);
    world.lose_power(world.b);
    const bool behind = world.b.last() < world.a.last();
    REQUIRE(behind);
    world.start(world.a);
    world.start(world.b);
    world.settle();
    CHECK(world.b.status().in_sync == both);
  }
}
