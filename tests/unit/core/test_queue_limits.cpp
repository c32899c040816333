// What gives way when a queue, or all queues together, are full.
#include "tests/unit/core/rig.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;

namespace {

const ConnectOptions kStays{.clean = false, .expiry_s = 60};

void publish_numbers(Client& pub, int from, int to, const char* topic = "t") {
  for (int i = from; i <= to; ++i)
    pub.publish(topic, std::to_string(i), {.qos = 1, .packet_id = static_cast<std::uint16_t>(i)});
}

void leave_subscribed(Rig& rig, const std::string& id, const char* filter = "t") {
  Client& sub = rig.connect(id, kStays);
  sub.subscribe(filter, 1);
  sub.drop();
}

std::string waiting_for(Rig& rig, const std::string& id) {
  return rig.connect(id, kStays).payloads();
}

}  // namespace

TEST_CASE("drop_oldest: the oldest that wait go for the newest, and are counted and told") {
  Rig rig({.queued_messages_max = 3, .queue_full = QueueFull::drop_oldest});
  leave_subscribed(rig, "s");
  Client& pub = rig.connect("p");
  publish_numbers(pub, 1, 5);
  CHECK(pub.of(EffectKind::puback).size() == 5);
  CHECK(rig.counters.dropped_queue_full == 2);
  const std::vector<Denial> told = rig.engine->take_denials();
  REQUIRE(told.size() == 2);
  CHECK(told[0].what == Denial::What::queue_oldest);
  CHECK(told[0].client_id == "s");
  rig.fail_over();  // the standby has dropped the same
  CHECK(waiting_for(rig, "s") == "3 4 5");
}

TEST_CASE("drop_oldest leaves alone what is in flight") {
  Rig rig({.inflight_maximum = 2, .queued_messages_max = 2, .queue_full = QueueFull::drop_oldest});
  Client& sub = rig.connect("s", kStays);
  sub.subscribe("t", 1);
  Client& pub = rig.connect("p");
  publish_numbers(pub, 1, 6);
  sub.puback(1);
  sub.puback(2);
  CHECK(sub.payloads() == "1 2 5 6");
}

TEST_CASE("drop_oldest drops as few as hold as much, and none for what never fits") {
  Rig rig({.queued_bytes_max = 1000, .queue_full = QueueFull::drop_oldest});
  leave_subscribed(rig, "s");
  Client& pub = rig.connect("p");
  publish_numbers(pub, 1, 3);
  pub.publish("t", std::string(2000, 'x'), {.qos = 1, .packet_id = 4});
  CHECK(rig.counters.dropped_queue_full == 1);
  CHECK(rig.state->figures().queued == 3);
  for (std::uint16_t i = 0; i < 4; ++i)
    pub.publish("t", std::string(300, static_cast<char>('a' + i)), {.qos = 1, .packet_id = 5});
  CHECK(rig.state->figures().queued_bytes <= 1000);
  const std::string left = waiting_for(rig, "s");
  CHECK(left.substr(left.size() - 300) == std::string(300, 'd'));
}

TEST_CASE("all queues together are bounded in messages; who reads is served all the same") {
  Rig rig({.queued_messages_total_max = 4});
  leave_subscribed(rig, "a");
  leave_subscribed(rig, "b");
  Client& reads = rig.connect("r");
  reads.subscribe("t", 1);
  Client& pub = rig.connect("p");
  for (int i = 1; i <= 6; ++i) {
    publish_numbers(pub, i, i);
    if (!reads.publishes().empty()) reads.puback(reads.publishes().back().packet_id);
  }
  CHECK(pub.of(EffectKind::puback).size() == 6);
  CHECK(reads.payloads() == "1 2 3 4 5 6");
  CHECK(rig.state->figures().queued <= 5);  // that, and what is in flight
  CHECK(rig.counters.dropped_queue_full > 0);
  CHECK(rig.engine->take_denials().front().what == Denial::What::queues_full);
}

TEST_CASE("one message for many sessions does not go beyond the limit of all queues") {
  Rig rig({.queued_messages_total_max = 5});
  for (int i = 0; i < 8; ++i) leave_subscribed(rig, "s" + std::to_string(i));
  rig.connect("p").publish("t", "m", {.qos = 1, .packet_id = 1});
  CHECK(rig.state->figures().queued == 5);
  CHECK(rig.counters.dropped_queue_full == 3);

  Rig bytes({.queued_bytes_total_max = 3000});
  for (int i = 0; i < 8; ++i) leave_subscribed(bytes, "s" + std::to_string(i));
  bytes.connect("p").publish("t", std::string(800, 'x'), {.qos = 1, .packet_id = 1});
  CHECK(bytes.state->figures().queued == 3);
  CHECK(bytes.state->figures().queued_bytes <= 3000);
}

TEST_CASE("with drop_oldest and the limit of all queues a session replaces its own, only") {
  Rig rig({.queued_messages_total_max = 4, .queue_full = QueueFull::drop_oldest});
  leave_subscribed(rig, "a", "a");
  leave_subscribed(rig, "b", "b");
  Client& pub = rig.connect("p");
  publish_numbers(pub, 1, 5, "a");
  publish_numbers(pub, 6, 6, "b");  // has nothing that could go
  CHECK(rig.state->figures().queued == 4);
  CHECK(rig.counters.dropped_queue_full == 2);
  CHECK(waiting_for(rig, "a") == "2 3 4 5");
  CHECK(waiting_for(rig, "b").empty());
}

TEST_CASE("what a member of a share leaves behind moves on though all queues are full") {
  Rig rig({.inflight_maximum = 1, .queued_messages_total_max = 4});
  Client& first = rig.connect("a", kStays);
  first.subscribe("$share/g/t", 1);
  Client& pub = rig.connect("p");
  publish_numbers(pub, 1, 4);
  Client& second = rig.connect("b", kStays);
  second.subscribe("$share/g/t", 1);
  first.disconnect(Reason::success, 0);
  for (std::size_t i = 0; i < second.publishes().size(); ++i)
    second.puback(second.publishes()[i].packet_id);
  CHECK(second.publishes().size() == 4);
  CHECK(rig.counters.dropped_queue_full == 0);
}

TEST_CASE("a client that is there gets all retained messages though all queues are full") {
  Rig rig({.inflight_maximum = 2, .queued_messages_total_max = 3});
  Client& pub = rig.connect("p");
  for (int i = 0; i < 20; ++i)
    pub.publish("r/" + std::to_string(i), "m", {.qos = 1, .retain = true, .packet_id = 1});
  Client& sub = rig.connect("s", kStays);
  sub.subscribe("r/#", 1);
  for (std::size_t i = 0; i < sub.publishes().size(); ++i) sub.puback(sub.publishes()[i].packet_id);
  CHECK(sub.publishes().size() == 20);
  CHECK(rig.counters.dropped_queue_full == 0);
}

TEST_CASE("drop_oldest leaves alone the retained messages that a client is owed") {
  Rig rig({.inflight_maximum = 1, .queued_messages_max = 3, .queue_full = QueueFull::drop_oldest});
  Client& pub = rig.connect("p");
  for (int i = 0; i < 20; ++i)
    pub.publish("r/" + std::to_string(i), "kept", {.qos = 1, .retain = true, .packet_id = 1});
  Client& sub = rig.connect("s", kStays);
  sub.subscribe("r/#", 1);
  sub.subscribe("t", 1);
  publish_numbers(pub, 1, 40);
  for (std::size_t i = 0; i < sub.publishes().size(); ++i) sub.puback(sub.publishes()[i].packet_id);
  std::string all;
  for (int i = 0; i < 20; ++i) all += "kept ";
  CHECK(sub.payloads().substr(0, all.size()) == all);
  CHECK(sub.payloads().ends_with("40"));
}

TEST_CASE("QoS 0 does not drive out what was acknowledged") {
  Rig rig({.queued_messages_max = 3,
           .queue_qos0_messages = true,
           .queue_full = QueueFull::drop_oldest});
  leave_subscribed(rig, "s");
  Client& pub = rig.connect("p");
  publish_numbers(pub, 1, 3);
  for (int i = 0; i < 3; ++i) pub.publish("t", "x");
  CHECK(rig.counters.dropped_queue_full == 3);
  CHECK(waiting_for(rig, "s") == "1 2 3");
}

TEST_CASE("QoS 0 waits for a client that is away where that is the setting, and comes once") {
  for (const bool dies : {false, true}) {
    Rig rig({.inflight_maximum = 1, .queue_qos0_messages = true});
    leave_subscribed(rig, "s");
    Client& here = rig.connect("h");
    here.subscribe("t", 1);
    Client& pub = rig.connect("p");
    pub.publish("t", "a");
    publish_numbers(pub, 1, 2);
    pub.publish("t", "b");
    CHECK(here.payloads() == "a 1 b");  // QoS 0 waits for no window
    CHECK(rig.state->figures().queued == 6);
    if (dies) rig.fail_over();
    Client& back = rig.connect("s", kStays);
    CHECK(back.payloads() == "a b 1");
    CHECK(back.publishes()[0].qos == 0);
    CHECK(back.publishes()[0].packet_id == 0);
    CHECK(back.publishes()[2].qos == 1);
    back.drop();
    CHECK(rig.connect("s", kStays).payloads() == "1");
  }
}

TEST_CASE(
    "QoS 0 for who is away counts against its queue, expires, and needs a session that stays") {
  Rig rig({.queued_messages_max = 2, .queue_qos0_messages = true});
  leave_subscribed(rig, "s");
  Client& pub = rig.connect("p");
  pub.publish("t", "old", {.expiry_s = 1});
  pub.publish("t", "new");
  pub.publish("t", "more");
  CHECK(rig.counters.dropped_queue_full == 1);
  rig.now += 5000;
  CHECK(waiting_for(rig, "s") == "new");

  Rig plain;
  leave_subscribed(plain, "s");
  plain.connect("p").publish("t", "m");
  CHECK(plain.state->figures().queued == 0);
}

TEST_CASE("while growth is refused sessions, subscriptions and retained topics stay as they are") {
  Rig rig;
  Client& sub = rig.connect("s", kStays);
  sub.subscribe("t", 1);
  Client& pub = rig.connect("p");
  pub.publish("r", "1", {.qos = 1, .retain = true, .packet_id = 1});
  rig.engine->refuse_growth(true);
  CHECK(rig.connect("new").last().kind == EffectKind::close);
  CHECK(rig.counters.refused_growth == 1);
  sub.subscribe("u", 1);
  CHECK(sub.last().detail->codes.at(0) == Reason::quota_exceeded);
  sub.subscribe("t", 1);  // it has that
  CHECK(sub.last().detail->codes.at(0) == Reason::granted_qos1);
  pub.publish("q", "1", {.qos = 1, .retain = true, .packet_id = 2});
  CHECK(pub.last().reason == Reason::quota_exceeded);
  pub.publish("r", "2", {.qos = 1, .retain = true, .packet_id = 3});
  CHECK_FALSE(mqtt::is_error(pub.last().reason));
  CHECK(rig.state->figures().retained == 1);
  sub.drop();
  CHECK(rig.connect("s", kStays).last().kind != EffectKind::close);
  rig.engine->refuse_growth(false);
  CHECK(rig.connect("new").last().kind == EffectKind::connack);
}

TEST_CASE("a PUBLISH that is discarded leaves its topic alias") {
  Rig rig;
  Client& sub = rig.connect("s");
  sub.subscribe("t", 0);
  Client& pub = rig.connect("p");
  mqtt::Publish packet;
  packet.topic = "t";
  packet.payload = "gone";
  packet.properties.topic_alias = 3;
  rig.engine->discard(pub.origin, packet, rig.out);
  rig.settle();
  pub.publish("", "comes", {.alias = 3});
  CHECK(sub.payloads() == "comes");
}

TEST_CASE("empty client identifiers may be refused") {
  Rig rig({.allow_zero_length_client_id = false});
  Client& v5 = rig.connect("");
  CHECK(v5.got.front().reason == Reason::client_id_not_valid);
  Client& v311 = rig.connect("", {.version = Version::v311});
  CHECK(v311.got.front().reason == Reason::client_id_not_valid);
  CHECK(rig.connect("named").got.front().reason == Reason::success);
}
