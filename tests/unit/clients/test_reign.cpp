// Begin and end of a reign: switchover, demotion, the next reign.
#include "tests/unit/clients/rig.h"

using namespace tandemq;
using namespace tandemq::broker;
using namespace tandemq::broker::test;

TEST_CASE("a switchover reads nobody, gives what it can still give, and sends all away") {
  Rig rig;
  Peer &reader = rig.connected("r", {.expiry_s = 100}), &writer = rig.connected("w");
  Peer& old_style = rig.connected("o", {.version = Version::v311});
  reader.subscribe("t", 1);
  rig.turn();
  reader.take();
  rig.commits = false;
  writer.publish("t", "before", 1, 1);
  rig.settle();
  rig.clients.pause_reading(true);
  writer.publish("t", "after", 1, 2);
  rig.settle();
  CHECK_FALSE(writer.wire->to_broker.empty());
  rig.commit();
  rig.turn();
  CHECK(reader.count(PacketType::publish) == 1);
  const std::vector<Got> acknowledged = writer.take();
  REQUIRE(acknowledged.size() == 1);
  CHECK(acknowledged[0].packet_id == 1);

  SUBCASE("the peer takes over") {
    rig.end_reign();
    for (Peer* peer : {&reader, &writer}) {
      const std::vector<Got> got = peer->take();
      REQUIRE(got.size() == 1);
      CHECK(got[0].reason == Reason::server_shutting_down);
    }
    CHECK(old_style.take().empty());
    for (Peer* peer : {&reader, &writer, &old_style}) CHECK(peer->ended());
    CHECK(rig.dial().wire->closed);  // nobody is let in now
    rig.pass_seconds(4);
    CHECK(rig.clients.size() == 0);
  }
  SUBCASE("it fails, and this node goes on") {
    rig.clients.pause_reading(false);
    rig.commits = true;
    rig.settle();
    CHECK(writer.count(PacketType::puback) == 1);
    CHECK(reader.count(PacketType::publish) == 1);
  }
}

TEST_CASE("what was held at the end of a reign is never sent, also not in the next") {
  Rig rig;
  Peer& writer = rig.connected("w", {.expiry_s = 100});
  writer.subscribe("t", 1);
  rig.turn();
  writer.take();
  rig.commits = false;
  writer.publish("t", "x", 1, 1);
  rig.settle();
  const std::uint64_t held = rig.clients.figures().held_effects;
  CHECK(held > 0);
  rig.end_reign();
  CHECK(rig.clients.counters().effects_dropped == held);
  CHECK(writer.count(PacketType::puback) == 0);
  rig.commits = true;
  rig.begin_reign();
  CHECK(rig.clients.first_connect_ns() == 0);
  Peer& again = rig.dial();
  again.connect("w", {.clean = false, .expiry_s = 100});
  rig.settle();
  const std::vector<Got> got = again.take();
  REQUIRE(got.size() == 2);  // the message itself is in the session
  CHECK(got[0].session_present);
  CHECK(got[1].payload == "x");
  CHECK(rig.clients.first_connect_ns() > 0);
}

TEST_CASE("a reign may end while clients are in every state") {
  Rig rig;
  Peer& writer = rig.connected("w");
  for (int i = 0; i < 10'000; ++i) writer.publish("r/" + std::to_string(i), "x", 0, 0, true);
  rig.settle();
  Peer& silent = rig.dial();
  Peer& half = rig.dial();
  half.raw("\x10\x20\0\4MQ");
  Peer &feeding = rig.connected("f"), &flood = rig.connected("x"), &leaving = rig.connected("l");
  Peer& slow = rig.connected("s");
  slow.wire->room = 10;
  slow.subscribe("t");
  feeding.subscribe("r/#");
  for (int i = 0; i < 40'000; ++i) flood.publish("t", "x");
  leaving.disconnect();
  rig.commits = false;
  Peer& taker = rig.dial();
  taker.connect("f");
  rig.turn();
  rig.end_reign();
  for (Peer* peer : {&writer, &silent, &half, &feeding, &flood, &leaving, &taker}) {
    CHECK(peer->ended());
  }
  rig.pass_seconds(4);
  CHECK(rig.clients.size() == 0);
  CHECK(rig.clients.counters().unsent_bytes == 0);
}
