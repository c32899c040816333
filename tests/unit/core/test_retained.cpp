#include <algorithm>
#include <random>
#include <set>

#include "broker/core/retained.h"
#include "broker/mqtt/topic.h"
#include "tests/unit/core/rig.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;

TEST_CASE(
    "RETAIN stores and replaces, whatever the QoS [5:3.3.1-5 3:3.3.1-5 3:3.3.1-7 3:3.1.2-7]") {
  Rig rig;
  Client& pub = rig.connect("p");
  pub.publish("t", "1", {.qos = 1, .retain = true});
  pub.publish("t", "2", {.qos = 0, .retain = true});
  CHECK(rig.state->figures().retained == 1);
  pub.drop();
  Client& sub = rig.connect("s");
  sub.subscribe("t", 1);
  CHECK(sub.payloads() == "2");
  CHECK(sub.last().retain);
  CHECK(sub.last().qos == 0);
}

TEST_CASE("an empty payload is delivered and deletes [5:3.3.1-6 5:3.3.1-7 3:3.3.1-10 3:3.3.1-11]") {
  Rig rig;
  Client& pub = rig.connect("p");
  Client& sub = rig.connect("s");
  sub.subscribe("t", 1);
  pub.publish("t", "1", {.qos = 1, .retain = true});
  pub.publish("t", "", {.qos = 1, .retain = true});
  CHECK(sub.publishes().size() == 2);
  CHECK(rig.state->figures().retained == 0);
  CHECK(rig.state->figures().retained_bytes == 0);
  const std::size_t records = rig.log.records.size();
  pub.publish("u", "", {.qos = 1, .retain = true});
  CHECK(rig.log.records.size() == records);  // nothing to delete, nobody to deliver to
}

TEST_CASE("without RETAIN nothing is stored, replaced or deleted [5:3.3.1-8 3:3.3.1-12]") {
  Rig rig;
  Client& pub = rig.connect("p");
  pub.publish("t", "kept", {.qos = 1, .retain = true});
  pub.publish("t", "x", {.qos = 1});
  pub.publish("t", "", {.qos = 1});
  pub.publish("u", "x", {.qos = 1});
  Client& sub = rig.connect("s");
  sub.subscribe("#", 1);
  CHECK(sub.payloads() == "kept");
}

TEST_CASE(
    "retain handling 0, 1, 2 [5:3.3.1-9 5:3.3.1-10 5:3.3.1-11 5:3.8.4-4 3:3.3.1-6 3:3.8.4-3]") {
  Rig rig;
  rig.connect("p").publish("t", "m", {.qos = 1, .retain = true});
  Client& sub = rig.connect("s");
  for (std::uint8_t handling = 0; handling < 3; ++handling) {
    sub.unsubscribe("t");
    sub.clear();
    mqtt::SubscribeFilter filter{"t", 1, false, false, handling};
    sub.subscribe(filter);
    CHECK(sub.publishes().size() == (handling == 2 ? 0u : 1u));
    sub.subscribe(filter);
    CHECK(sub.publishes().size() == (handling == 0 ? 2u : handling == 1 ? 1u : 0u));
  }
}

TEST_CASE("retain as published [5:3.3.1-12 5:3.3.1-13 3:3.3.1-8 3:3.3.1-9]") {
  Rig rig;
  Client& pub = rig.connect("p");
  Client& plain = rig.connect("a");
  Client& keeps = rig.connect("b");
  plain.subscribe("t", 1);
  keeps.subscribe({"t", 0, false, true, 0});
  pub.publish("t", "1", {.qos = 1, .retain = true});
  CHECK_FALSE(plain.last().retain);
  CHECK(keeps.last().retain);
  pub.publish("t", "2", {.qos = 1});
  CHECK_FALSE(keeps.last().retain);
  Client& late = rig.connect("c");
  late.subscribe({"t", 1, false, false, 0});
  CHECK(late.last().retain);
}

TEST_CASE(
    "retained messages come after SUBACK, with lower QoS and identifier; none for shares "
    "[5:u3.3.1.3-1 5:3.8.4-8]") {
  Rig rig;
  Client& pub = rig.connect("p");
  pub.publish("a/1", "x", {.qos = 2, .retain = true, .packet_id = 1});
  pub.publish("a/2", "y", {.qos = 0, .retain = true});
  Client& sub = rig.connect("s", {.expiry_s = 100});
  sub.subscribe("a/+", 1, 77);
  REQUIRE(sub.got.size() == 4);
  CHECK(sub.got[1].kind == EffectKind::suback);
  const auto publishes = sub.publishes();
  for (const Effect& effect : publishes) {
    CHECK(effect.detail->subscription_ids == std::vector<std::uint32_t>{77});
    CHECK(effect.after >= sub.got[1].after);
    CHECK(effect.qos == (effect.message->payload() == "x" ? 1 : 0));
  }
  CHECK(rig.records(Kind::retained_queued) == 1);
  Client& shared = rig.connect("g");
  shared.subscribe("$share/g/a/#", 1);
  CHECK(shared.publishes().empty());
}

TEST_CASE("many retained messages fill the window and wait in order for the rest") {
  Rig rig({.inflight_maximum = 3, .queued_messages_max = 2500});
  Client& pub = rig.connect("p");
  for (int i = 0; i < 3000; ++i)
    pub.publish("r/" + std::to_string(i), std::to_string(i), {.qos = 1, .retain = true});
  rig.check_mirror = false;
  Client& sub = rig.connect("s", {.expiry_s = 100});
  sub.subscribe("r/#", 1);
  CHECK(sub.publishes().size() == 3);
  CHECK(rig.state->figures().queued == 3000);
  for (std::size_t i = 0; i < 3000; ++i) {
    const auto publishes = sub.publishes();
    REQUIRE(publishes.size() > i);
    REQUIRE(publishes[i].message->payload() == std::to_string(i));
    sub.puback(publishes[i].packet_id);
  }
  CHECK(rig.state->figures().queued == 0);
  CHECK(rig.mirror->hash() == rig.state->hash());
}

TEST_CASE("an expired retained message is not sent, and goes [5:u3.3.1.3-2 5:3.3.2-5]") {
  Rig rig;
  rig.connect("p").publish("t", "m", {.qos = 1, .retain = true, .expiry_s = 2});
  rig.connect("p").publish("u", "m", {.qos = 1, .retain = true, .expiry_s = 5});
  CHECK(rig.engine->expire(rig.now, 10, rig.out) == rig.now + 2000);
  rig.now += 2000;
  Client& sub = rig.connect("s");
  sub.subscribe("t", 1);
  CHECK(sub.publishes().empty());
  rig.expire();
  CHECK(rig.records(Kind::retained_expired) == 1);
  CHECK(rig.state->figures().retained == 1);
}

TEST_CASE("above the limit a new retained message is delivered, but not kept") {
  Rig rig({.retained_messages_max = 1});
  Client& pub = rig.connect("p");
  Client& sub = rig.connect("s");
  sub.subscribe("#", 0);
  pub.publish("a", "1", {.retain = true});
  pub.publish("b", "2", {.retain = true});
  pub.publish("a", "3", {.retain = true});
  CHECK(sub.payloads() == "1 2 3");
  CHECK(rig.state->figures().retained == 1);
  CHECK(rig.counters.dropped_retained_full == 1);
}

TEST_CASE("the trie finds what topic_matches finds, whatever comes and goes") {
  std::mt19937_64 random(5);
  const std::vector<std::string> levels{"", "a", "b", "$s", "long-level-name-beyond-sso"};
  const std::vector<std::string> wild{"", "a", "b", "$s", "+", "+"};
  auto text = [&](const std::vector<std::string>& from, bool filter) {
    std::string result;
    const std::size_t count = 1 + random() % 4;
    for (std::size_t i = 0; i < count; ++i) result += (i ? "/" : "") + from[random() % from.size()];
    if (filter && random() % 3 == 0) result += "/#";
    if (filter && random() % 20 == 0) result = "#";
    return result.empty() ? "a" : result;
  };
  Retained retained(3);
  const auto cursors = std::make_shared<RetainedCursors>();
  std::vector<std::string> held;
  for (int round = 0; round < 20'000; ++round) {
    const std::string topic = text(levels, false);
    const auto at = std::find(held.begin(), held.end(), topic);
    if (random() % 2) {
      retained.store(Message::create({topic, "p", "", 0, true, random() % 5}));
      if (at == held.end()) held.push_back(topic);
    } else {
      CHECK(retained.clear(topic) == (at != held.end()));
      if (at != held.end()) held.erase(at);
    }
    CHECK(retained.size() == held.size());
    const std::string filter = text(wild, true);
    std::vector<const Message*> found;
    RetainedCursor cursor(retained, filter, cursors);
    while (!cursor.at_end()) {
      std::size_t budget = 1 + random() % 3;
      while (const Message* message = cursor.next(budget)) found.push_back(message);
    }
    std::vector<std::string> topics, wanted;
    for (const Message* message : found) topics.emplace_back(message->topic());
    for (const std::string& one : held)
      if (mqtt::topic_matches(filter, one)) wanted.push_back(one);
    std::sort(topics.begin(), topics.end());
    std::sort(wanted.begin(), wanted.end());
    CAPTURE(filter);
    REQUIRE(topics == wanted);
    found.clear();
    retained.all(found);
    REQUIRE(found.size() == held.size());
  }
  while (!held.empty()) {
    CHECK(retained.clear(held.back()));
    held.pop_back();
  }
  CHECK(retained.bytes() == 0);
  CHECK(retained.next_expiry().first == 0);
}

TEST_CASE("a walk over retained messages goes on while they change") {
  const std::uint64_t seed = 4;
  std::mt19937_64 random(seed);
  CAPTURE(seed);
  const std::vector<std::string> filters{"#", "a/#", "+/+", "+/b/#", "a/b", "+"};
  for (int round = 0; round < 3'000; ++round) {
    Retained retained(3);
    const auto cursors = std::make_shared<RetainedCursors>();
    std::set<std::string> steady, removed;
    auto topic = [&] {
      std::string result(1, "abc"[random() % 3]);
      for (std::size_t more = random() % 3; more > 0; --more)
        result += std::string("/") + "abc"[random() % 3];
      return result;
    };
    for (int i = 0; i < 20; ++i) {
      steady.insert(topic());
      retained.store(Message::create({*steady.rbegin(), "old", "", 0, true, 0}));
    }
    for (const std::string& one : steady)
      retained.store(Message::create({one, "old", "", 0, true, 0}));
    const std::string filter = filters[random() % filters.size()];
    std::multiset<std::string> seen;
    RetainedCursor cursor(retained, filter, cursors);
    while (!cursor.at_end()) {
      std::size_t budget = 1 + random() % 2;
      while (const Message* message = cursor.next(budget)) {
        CHECK(message->payload() == "old");
        seen.emplace(message->topic());
      }
      const std::string changed = topic();
      if (random() % 2) {
        cursors->topic_goes(retained, changed);
        retained.clear(changed);
      } else {
        retained.store(Message::create({changed, "new", "", 0, true, 0}));
      }
      removed.insert(changed);
    }
    for (const std::string& one : steady) {
      if (!mqtt::topic_matches(filter, one)) continue;
      CAPTURE(one);
      // What changed on the way may have been seen before it did.
      if (!removed.contains(one)) REQUIRE(seen.count(one) == 1);
      if (removed.contains(one)) REQUIRE(seen.count(one) <= 1);
    }
  }
}

TEST_CASE("very many retained messages are sent in pieces, SUBACK when all are durable") {
  for (const bool durable : {false, true}) {
    Rig rig;
    Client& pub = rig.connect("p");
    for (int i = 0; i < 10; ++i)
      pub.publish("t/" + std::to_string(i), std::to_string(i), {.qos = 1, .retain = true});
    Client& sub = rig.connect("s", {.clean = false, .expiry_s = durable ? 60u : 0u});
    mqtt::Subscribe packet;
    packet.packet_id = 7;
    packet.filters.push_back({"t/#", 1, false, false, 0});
    const auto feed = rig.engine->subscribe(sub.origin, packet, rig.now, rig.out);
    REQUIRE(feed);
    rig.settle();
    CHECK(sub.of(EffectKind::suback).size() == !durable);
    CHECK_FALSE(rig.engine->feed(*feed, 5, rig.now, rig.out));
    rig.settle();
    CHECK(!sub.publishes().empty());
    CHECK(sub.publishes().size() < 10);
    // Others are served in between; this one went out alive, and not a second time as retained.
    pub.publish("t/9", "newer", {.qos = 1, .retain = true});
    CHECK(sub.last().message->payload() == "newer");
    while (!rig.engine->feed(*feed, 5, rig.now, rig.out)) rig.settle();
    rig.settle();
    CHECK(sub.publishes().size() == 10);
    CHECK(sub.of(EffectKind::suback).size() == 1);
    if (durable) CHECK(sub.of(EffectKind::suback).front().after == rig.log.last);
  }
}

TEST_CASE("few retained messages follow their SUBACK, which waits until they are durable") {
  Rig rig;
  rig.connect("p").publish("t", "m", {.qos = 1, .retain = true});
  Client& sub = rig.connect("s", {.clean = false, .expiry_s = 60});
  sub.clear();
  sub.subscribe("t", 1);
  REQUIRE(sub.got.size() == 2);
  CHECK(sub.got.front().kind == EffectKind::suback);
  REQUIRE(rig.records(Kind::retained_queued) == 1);
  CHECK(rig.log.records[sub.got.front().after - 1].kind == Kind::retained_queued);
  CHECK(sub.got.back().kind == EffectKind::publish);
}

TEST_CASE("a subscriber that goes while it is fed ends the feed") {
  Rig rig;
  for (const char* topic : {"a", "b", "c"})
    rig.connect("p").publish(topic, "m", {.qos = 1, .retain = true});
  Client& sub = rig.connect("s");
  mqtt::Subscribe packet;
  packet.filters.push_back({"#", 1, false, false, 0});
  const auto feed = rig.engine->subscribe(sub.origin, packet, rig.now, rig.out);
  CHECK_FALSE(rig.engine->feed(*feed, 1, rig.now, rig.out));
  rig.settle();
  sub.drop();
  CHECK(rig.engine->feed(*feed, 1, rig.now, rig.out));
  CHECK(rig.out.empty());
}
