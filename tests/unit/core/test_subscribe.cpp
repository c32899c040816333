#include <algorithm>
#include <random>

#include "broker/core/subscriptions.h"
#include "broker/mqtt/topic.h"
#include "tests/unit/core/rig.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;

namespace {

using Codes = std::vector<Reason>;

Codes codes_of(const Client& client, EffectKind kind) {
  const auto acks = client.of(kind);
  REQUIRE_FALSE(acks.empty());
  return acks.back().detail->codes;
}

}  // namespace

TEST_CASE(
    "SUBACK: one code for each filter, in order, one record [5:3.8.4-1 5:3.8.4-2 5:3.8.4-5 "
    "5:3.8.4-6 5:3.8.4-7 5:3.9.3-1 5:2.2.1-6 3:2.3.1-7 5:3.9.3-2 3:3.8.4-1 3:3.8.4-2 3:3.8.4-4 "
    "3:3.8.4-5 3:3.9.3-1 "
    "3:3.9.3-2 5:u3.9.3-1]") {
  for (Version version : {Version::v5, Version::v311}) {
    Rig rig;
    Client& c = rig.connect("c", {.version = version, .clean = false, .expiry_s = 60});
    mqtt::Subscribe packet;
    packet.packet_id = 321;
    for (const char* filter : {"a", "b/#", "bad/#/x", "c/+", "$share//x"})
      packet.filters.push_back(
          {filter, static_cast<std::uint8_t>(packet.filters.size() % 3), false, false, 0});
    c.subscribe(packet);
    CHECK(c.last().kind == EffectKind::suback);
    CHECK(c.last().packet_id == 321);
    CHECK(c.last().after == rig.log.last);
    const Reason bad =
        version == Version::v5 ? Reason::topic_filter_invalid : Reason::unspecified_error;
    CHECK(codes_of(c, EffectKind::suback) ==
          Codes{Reason::success, Reason::granted_qos1, bad, Reason::success, bad});
    CHECK(rig.records(Kind::subscribed) == 1);
    CHECK(rig.state->figures().subscriptions == 3);
  }
}

TEST_CASE("an equal filter replaces the subscription [5:3.8.4-3 3:3.8.4-3 5:u3.8.4-2]") {
  Rig rig;
  Client& c = rig.connect("c", {.expiry_s = 60});
  c.subscribe("t", 0);
  c.subscribe("t", 1, 5);
  c.subscribe("$share/g/t", 1);
  c.subscribe("$share/g/t", 2);
  CHECK(rig.state->figures().subscriptions == 2);
  c.unsubscribe("$share/g/t");
  rig.connect("p").publish("t", "m", {.qos = 2});
  REQUIRE(c.publishes().size() == 1);
  CHECK(c.last().qos == 1);
  CHECK(c.last().detail->subscription_ids == std::vector<std::uint32_t>{5});
}

TEST_CASE("delivery QoS is the lower of both [5:3.8.4-8 3:3.8.4-6 5:4.3.1-1 3:4.3.1-1]") {
  for (std::uint8_t granted = 0; granted < 3; ++granted) {
    for (std::uint8_t sent = 0; sent < 3; ++sent) {
      Rig rig;
      Client& sub = rig.connect("s");
      sub.subscribe("t", granted);
      rig.connect("p").publish("t", "m", {.qos = sent});
      CHECK(sub.last().qos == std::min(granted, sent));
      CHECK((sub.last().packet_id == 0) == (sub.last().qos == 0));  // [5:2.2.1-2 3:2.3.1-5]
      CHECK_FALSE(sub.last().dup);                                  // [5:3.3.1-2 3:3.3.1-2]
    }
  }
}

TEST_CASE(
    "overlapping subscriptions: one copy, highest QoS, all identifiers [5:3.3.4-2 5:3.3.4-3 "
    "5:3.3.4-5 "
    "5:3.3.4-4 3:3.3.5-1 5:u3.3.4-3]") {
  Rig rig;
  Client& sub = rig.connect("s", {.expiry_s = 60});
  sub.subscribe("a/b", 0, 1);
  sub.subscribe("a/+", 2, 2);
  sub.subscribe("a/#", 1, 1);
  sub.subscribe("#", 1);
  rig.connect("p").publish("a/b", "m", {.qos = 2});
  REQUIRE(sub.publishes().size() == 1);
  CHECK(sub.last().qos == 2);
  auto ids = sub.last().detail->subscription_ids;
  std::sort(ids.begin(), ids.end());
  CHECK(ids == std::vector<std::uint32_t>{1, 1, 2});
  rig.connect("p").publish("a", "n");  // [5:u4.7.1-1] # matches the parent level
  CHECK(sub.payloads() == "m n");
}

TEST_CASE("no local [5:3.8.3-3]; on a share it is a protocol error [5:3.8.3-4]") {
  Rig rig;
  Client& c = rig.connect("c", {.expiry_s = 60});
  c.subscribe({"t", 1, true, false, 0});
  c.publish("t", "own", {.qos = 1});
  CHECK(c.publishes().empty());
  rig.connect("other").publish("t", "theirs", {.qos = 1});
  CHECK(c.payloads() == "theirs");
  c.subscribe({"$share/g/t", 1, true, false, 0});
  CHECK(c.last().kind == EffectKind::disconnect);
  CHECK(c.last().reason == Reason::protocol_error);
  c.publish("t", "no more", {.qos = 1});
  CHECK(c.of(EffectKind::puback).size() == 1);
}

TEST_CASE(
    "UNSUBACK [5:3.10.4-1 5:3.10.4-4 5:3.10.4-5 5:3.10.4-6 5:3.11.3-1 5:3.11.3-2 5:u3.11.3-1 "
    "3:3.10.4-1 3:3.10.4-4 3:3.10.4-5 3:3.10.4-6]") {
  Rig rig;
  Client& c = rig.connect("c", {.expiry_s = 60});
  c.subscribe("a/+", 1);
  mqtt::Unsubscribe packet;
  packet.packet_id = 9;
  packet.filters = {"a/b", "a/+", "a/+", "bad/#/"};
  rig.engine->unsubscribe(c.origin, packet, rig.now, rig.out);
  rig.settle();
  CHECK(c.last().packet_id == 9);
  CHECK(codes_of(c, EffectKind::unsuback) == Codes{Reason::no_subscription_existed, Reason::success,
                                                   Reason::no_subscription_existed,
                                                   Reason::topic_filter_invalid});
  CHECK(rig.state->figures().subscriptions == 0);
}

TEST_CASE(
    "after UNSUBSCRIBE nothing new, but what has begun is finished [5:3.10.4-2 5:3.10.4-3 "
    "3:3.10.4-2 3:3.10.4-3]") {
  Rig rig;
  Client& c = rig.connect("c", {.expiry_s = 60});
  Client& pub = rig.connect("p");
  c.subscribe("t", 2);
  pub.publish("t", "1", {.qos = 2, .packet_id = 1});
  c.unsubscribe("t");
  pub.publish("t", "2", {.qos = 2, .packet_id = 2});
  CHECK(c.payloads() == "1");
  const std::uint16_t id = c.publishes()[0].packet_id;
  c.pubrec(id);
  c.pubcomp(id);
  CHECK(rig.state->figures().queued == 0);
}

TEST_CASE("wildcards at the first level do not match $ topics [5:4.7.2-1 3:4.7.2-1 5:u4.7.2-1]") {
  Rig rig;
  Client& c = rig.connect("c");
  c.subscribe("#", 0);
  c.subscribe("+/load", 0);
  rig.engine->publish_own({"$SYS/load", "1", "", 0, false, 0}, true, rig.now, rig.out);
  rig.settle();
  CHECK(c.publishes().empty());
  c.subscribe("$SYS/#", 0);
  CHECK(c.payloads() == "1");
  CHECK(c.last().retain);
}

TEST_CASE("a subscription too many is refused with 0x97") {
  Rig rig({.subscriptions_per_session_max = 2});
  Client& c = rig.connect("c");
  mqtt::Subscribe packet;
  for (const char* filter : {"a", "b", "c", "a"})
    packet.filters.push_back({filter, 1, false, false, 0});
  c.subscribe(packet);
  CHECK(codes_of(c, EffectKind::suback) == Codes{Reason::granted_qos1, Reason::granted_qos1,
                                                 Reason::quota_exceeded, Reason::quota_exceeded});
  c.subscribe("b", 2);  // replacing is not one more
  CHECK(codes_of(c, EffectKind::suback) == Codes{Reason::granted_qos2});
  c.subscribe(std::string(200, '/'), 0);  // more levels than topic_levels_max
  CHECK(codes_of(c, EffectKind::suback) == Codes{Reason::topic_filter_invalid});
}

TEST_CASE(
    "the index finds what topic_matches finds, whatever comes and goes [5:3.3.2-3 3:3.3.2-3 "
    "5:4.7.3-4 3:4.7.3-4]") {
  std::mt19937_64 random(11);
  const std::vector<std::string> levels{"", "a", "b", "$s", "long-level-name-beyond-sso"};
  const std::vector<std::string> wild{"", "a", "b", "$s", "+", "+"};
  auto text = [&](const std::vector<std::string>& from, bool filter) {
    std::string result;
    const std::size_t count = 1 + random() % 4;
    for (std::size_t i = 0; i < count; ++i) result += (i ? "/" : "") + from[random() % from.size()];
    if (filter && random() % 3 == 0) result += "/#";
    if (filter && random() % 20 == 0) result = "#";
    if (result.empty()) result = "a";
    return filter && random() % 4 == 0 ? "$share/g" + std::to_string(random() % 2) + "/" + result
                                       : result;
  };
  Subscriptions index(17);
  std::vector<Session> sessions(4);
  std::vector<std::pair<Session*, std::string>> held;
  MatchScratch scratch;
  for (int round = 0; round < 20'000; ++round) {
    Session& session = sessions[random() % sessions.size()];
    const std::string filter = text(wild, true);
    const auto at = std::find(held.begin(), held.end(), std::pair(&session, filter));
    CHECK(index.contains(session, filter) == (at != held.end()));
    const std::size_t what = random() % 100;
    if (what == 0) {
      index.remove_all(session);
      std::erase_if(held, [&](const auto& one) { return one.first == &session; });
    } else if (what < 50) {
      CHECK(index.add(session, {filter, 1, false, false, 0, 3}) == (at == held.end()));
      if (at == held.end()) held.emplace_back(&session, filter);
    } else {
      CHECK(index.remove(session, filter) == (at != held.end()));
      if (at != held.end()) held.erase(at);
    }
    CHECK(index.size() == held.size());
    const std::string topic = text(levels, false);
    index.match(topic, scratch);
    std::vector<std::pair<const Session*, std::string>> found, wanted;
    for (const FilterNode* node : scratch.nodes) {
      for (const Subscriber& one : node->plain) found.emplace_back(&one.session(), node->filter());
      for (const ShareGroup& group : node->groups)
        for (const Subscriber& one : group.members)
          found.emplace_back(&one.session(),
                             "$share/" + group.name + "/" + std::string(node->filter()));
    }
    for (const auto& one : held)
      if (mqtt::topic_matches(mqtt::split_shared(one.second).filter, topic)) wanted.push_back(one);
    std::sort(found.begin(), found.end());
    std::sort(wanted.begin(), wanted.end());
    CAPTURE(topic);
    REQUIRE(found == wanted);
  }
  for (Session& session : sessions) index.remove_all(session);
  CHECK(index.size() == 0);
}
