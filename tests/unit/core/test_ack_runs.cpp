// Answers that come behind one another do what they do one by one, with fewer records.
#include "tests/unit/core/monkey.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;

namespace {

using Line = std::vector<std::tuple<EffectKind, std::uint16_t, std::uint8_t, mqtt::Reason>>;

std::map<ConnId, Line> seen_by_all(const Rig& rig) {
  std::map<ConnId, Line> seen;
  for (const auto& [conn, client] : rig.clients) {
    for (const Effect& e : client->got)
      seen[conn].push_back({e.kind, e.packet_id, e.qos, e.reason});
  }
  return seen;
}

}  // namespace

TEST_CASE("a run of answers is one record") {
  Rig rig;
  Client& sub = rig.connect("s", {.expiry_s = 600});
  Client& pub = rig.connect("p", {.expiry_s = 600});
  sub.subscribe("one", 1);
  sub.subscribe("two", 2);
  for (std::uint16_t id = 1; id <= 3; ++id) {
    pub.publish("one", "x", {.qos = 1, .packet_id = id});
    pub.publish("two", "x", {.qos = 2, .packet_id = id});
  }
  const auto ids = [&sub](std::uint8_t qos) {
    std::vector<std::uint16_t> ids;
    for (const Effect& effect : sub.publishes())
      if (effect.qos == qos) ids.push_back(effect.packet_id);
    return ids;
  };
  const auto one = ids(1), two = ids(2);
  sub.clear(), pub.clear();
  sub.answers(mqtt::PacketType::puback, one);
  sub.answers(mqtt::PacketType::pubrec, two);
  CHECK(sub.of(EffectKind::pubrel).size() == 3);
  sub.answers(mqtt::PacketType::pubcomp, two);
  pub.answers(mqtt::PacketType::pubrel, {1, 2, 3});
  CHECK(pub.of(EffectKind::pubcomp).size() == 3);
  CHECK(rig.records(Kind::acked) == 1);
  CHECK(rig.records(Kind::received) == 1);
  CHECK(rig.records(Kind::completed) == 1);
  CHECK(rig.records(Kind::released) == 1);
  CHECK(rig.mirror->figures().queued == 0);
}

TEST_CASE("a run that steps back, or names what is not in flight, goes on behind it") {
  Rig rig;
  Client& sub = rig.connect("s", {.expiry_s = 600});
  Client& pub = rig.connect("p");
  sub.subscribe("t", 1);
  for (std::uint16_t id = 1; id <= 4; ++id) pub.publish("t", "x", {.qos = 1, .packet_id = id});
  const std::uint16_t first = sub.publishes()[0].packet_id;
  const auto id = [first](int n) { return static_cast<std::uint16_t>(first + n); };
  sub.answers(mqtt::PacketType::puback, {id(1), id(0), id(0), 999, id(2), id(3)});
  CHECK(rig.records(Kind::acked) == 2);  // round to the first, then the rest
  CHECK(rig.mirror->figures().queued == 0);
}

TEST_CASE("random runs of answers do what single ones do") {
  std::size_t records = 0, records_single = 0;
  for (std::uint64_t seed = 301; seed <= 320; ++seed) {
    CAPTURE(seed);
    Monkey monkey(seed), single(seed);
    single.rig.runs = false;
    for (int i = 0; i < 1500; ++i) {
      monkey.step();
      single.step();
      REQUIRE(seen_by_all(monkey.rig) == seen_by_all(single.rig));
    }
    const StateFigures a = monkey.rig.state->figures(), b = single.rig.state->figures();
    CHECK(a.queued == b.queued);
    CHECK(a.queued_bytes == b.queued_bytes);
    records += monkey.rig.log.records.size();
    records_single += single.rig.log.records.size();
  }
  CHECK(records < records_single);
}
