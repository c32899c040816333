#include "tests/unit/core/rig.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;

TEST_CASE("QoS 0 between volatile clients makes no record and leaves at once") {
  Rig rig;
  Client& sub = rig.connect("sub");
  Client& pub = rig.connect("pub");
  sub.subscribe("a/+", 2);
  pub.publish("a/b", "hello");
  REQUIRE(sub.publishes().size() == 1);
  CHECK(sub.last().message->topic() == "a/b");
  CHECK(sub.last().message->payload() == "hello");
  CHECK(sub.last().qos == 0);
  CHECK(sub.last().after == 0);
  CHECK(rig.log.records.empty());
}

TEST_CASE("QoS 1 to a durable session: record, delivery and PUBACK wait for its LSN") {
  Rig rig;
  Client& sub = rig.connect("sub", {.expiry_s = 100});
  Client& pub = rig.connect("pub");
  sub.subscribe("t", 1);
  const Lsn before = rig.log.last;
  pub.publish("t", "m", {.qos = 1, .packet_id = 7});
  CHECK(rig.log.last == before + 1);
  REQUIRE(sub.last().kind == EffectKind::publish);
  CHECK(sub.last().after == rig.log.last);
  CHECK(sub.last().packet_id != 0);
  REQUIRE(pub.last().kind == EffectKind::puback);
  CHECK(pub.last().packet_id == 7);
  CHECK(pub.last().after == rig.log.last);
  sub.puback(sub.last().packet_id);
  CHECK(rig.state->figures().queued == 0);
}

TEST_CASE("QoS 2 both ways, once") {
  Rig rig;
  Client& sub = rig.connect("sub", {.expiry_s = 100});
  Client& pub = rig.connect("pub", {.expiry_s = 100});
  sub.subscribe("t", 2);
  pub.publish("t", "m", {.qos = 2, .packet_id = 5});
  CHECK(pub.last().kind == EffectKind::pubrec);
  pub.publish("t", "m", {.qos = 2, .packet_id = 5, .dup = true});
  CHECK(pub.of(EffectKind::pubrec).size() == 2);
  REQUIRE(sub.publishes().size() == 1);
  const std::uint16_t id = sub.last().packet_id;
  sub.pubrec(id);
  CHECK(sub.last().kind == EffectKind::pubrel);
  CHECK(sub.last().after == rig.log.last);
  sub.pubcomp(id);
  pub.pubrel(5);
  CHECK(pub.last().kind == EffectKind::pubcomp);
  CHECK(rig.state->figures().queued == 0);
  pub.publish("t", "n", {.qos = 2, .packet_id = 5});
  CHECK(sub.payloads() == "m n");
}

TEST_CASE("what waits for an absent session comes in order when it is back") {
  Rig rig;
  Client& sub = rig.connect("sub", {.version = Version::v311, .clean = false});
  sub.subscribe("t", 1);
  sub.drop();
  Client& pub = rig.connect("pub");
  for (char c : {'1', '2', '3'}) pub.publish("t", std::string(1, c), {.qos = 1});
  pub.publish("t", "qos0");
  Client& back = rig.connect("sub", {.version = Version::v311, .clean = false});
  CHECK(back.got[0].kind == EffectKind::connack);
  CHECK(back.got[0].detail->session_present);
  CHECK(back.payloads() == "1 2 3");
}
