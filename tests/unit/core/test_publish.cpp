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

TEST_CASE("QoS 0 of a message that makes a record waits for it, and is not overtaken") {
  Rig rig;
  Client& sub = rig.connect("sub");
  Client& pub = rig.connect("pub");
  sub.subscribe("t", 0);
  pub.publish("t", "kept", {.qos = 1, .retain = true, .packet_id = 7});
  REQUIRE(sub.publishes().size() == 1);
  CHECK(sub.last().after == rig.log.last);
  pub.publish("t", "kept by QoS 0", {.retain = true});
  const Lsn kept = rig.log.last;
  CHECK(sub.last().after == kept);
  pub.publish("t", "passes by");
  CHECK(sub.publishes().size() == 3);
  CHECK(sub.last().after == kept);
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

TEST_CASE(
    "what waits for an absent session comes in order when it is back [3:3.1.2-5 5:4.5.0-1 "
    "3:4.5.0-1 5:3.1.3-2 3:3.1.3-2 3:4.1.0-1]") {
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

TEST_CASE("the answer to each QoS [5:3.3.4-1 3:3.3.4-1 5:2.2.1-5 3:2.3.1-6 5:4.3.2-4 5:4.3.3-8]") {
  for (Version version : {Version::v5, Version::v311}) {
    Rig rig;
    Client& pub = rig.connect("p", {.version = version});
    pub.clear();
    pub.publish("t", "0");
    CHECK(pub.got.empty());
    // Nobody listens: 5.0 says so.
    const Reason nobody =
        version == Version::v5 ? Reason::no_matching_subscribers : Reason::success;
    pub.publish("t", "1", {.qos = 1, .packet_id = 11});
    CHECK(pub.last().kind == EffectKind::puback);
    CHECK(pub.last().packet_id == 11);
    CHECK(pub.last().reason == nobody);
    pub.publish("t", "2", {.qos = 2, .packet_id = 12});
    CHECK(pub.last().kind == EffectKind::pubrec);
    CHECK(pub.last().packet_id == 12);
    CHECK(pub.last().reason == nobody);
    pub.pubrel(12);  // [5:4.3.3-11]
    CHECK(pub.last().kind == EffectKind::pubcomp);
    CHECK(pub.last().reason == Reason::success);
  }
}

TEST_CASE("QoS 1: the same identifier again is a new message [5:4.3.2-5 3:4.3.2-2]") {
  Rig rig;
  Client& sub = rig.connect("s");
  Client& pub = rig.connect("p");
  sub.subscribe("t", 1);
  pub.publish("t", "a", {.qos = 1, .packet_id = 3});
  pub.publish("t", "b", {.qos = 1, .packet_id = 3, .dup = true});
  CHECK(sub.payloads() == "a b");
  CHECK_FALSE(sub.last().dup);  // [5:3.3.1-3 3:3.3.1-3]
}

TEST_CASE("an inbound QoS 2 identifier survives reconnect and failover [5:4.3.3-10 3:4.3.3-2]") {
  Rig rig;
  ConnectOptions stays{.clean = false, .expiry_s = 600};
  Client& pub = rig.connect("p", stays);
  rig.connect("s", stays).subscribe("t", 2);
  pub.publish("t", "once", {.qos = 2, .packet_id = 9});
  pub.drop();
  Client& again = rig.connect("p", stays);
  again.publish("t", "once", {.qos = 2, .packet_id = 9, .dup = true});
  CHECK(again.last().kind == EffectKind::pubrec);
  rig.fail_over();
  Client& third = rig.connect("p", stays);
  third.publish("t", "once", {.qos = 2, .packet_id = 9, .dup = true});
  CHECK(third.last().kind == EffectKind::pubrec);
  third.pubrel(9);
  Client& sub = rig.connect("s", stays);
  CHECK(sub.publishes().size() == 1);
}

TEST_CASE(
    "properties and payload pass unchanged [5:3.3.2-4 5:3.3.2-15 5:3.3.2-16 5:3.3.2-17 5:3.3.2-18 "
    "5:3.3.2-20]") {
  Rig rig;
  Client& sub = rig.connect("s", {.expiry_s = 60});
  sub.subscribe("t", 1);
  mqtt::Publish packet;
  packet.topic = "t";
  packet.payload = std::string_view("\0\xff", 2);
  packet.qos = 1;
  packet.packet_id = 1;
  packet.properties.forward = std::string_view("\x01\x01\x26\0\x01k\0\x01v", 9);
  Client& pub = rig.connect("p");
  rig.engine->publish(pub.origin, packet, rig.now, rig.out);
  rig.settle();
  CHECK(sub.last().message->payload() == packet.payload);
  CHECK(sub.last().message->properties() == packet.properties.forward);
  Client& back = (sub.drop(), rig.connect("s", {.clean = false, .expiry_s = 60}));
  CHECK(back.last().message->properties() == packet.properties.forward);
}

TEST_CASE("topic aliases [5:3.3.2-7 5:3.3.2-12 5:u3.3.2.1-1 5:u3.3.2.3.4-1 5:u3.3.4-1]") {
  Rig rig({.topic_alias_maximum = 2});
  Client& sub = rig.connect("s");
  sub.subscribe("#", 0);
  Client& pub = rig.connect("p", {.expiry_s = 60});
  pub.publish("a", "1", {.alias = 1});
  pub.publish("b", "2", {.alias = 2});
  pub.publish("", "3", {.alias = 1});
  pub.publish("c", "4", {.alias = 1});
  pub.publish("", "5", {.alias = 1});
  pub.publish("", "6", {.qos = 1, .alias = 2});
  std::string topics;
  for (const Effect& effect : sub.publishes()) topics += effect.message->topic();
  CHECK(topics == "abaccb");
  CHECK(pub.of(EffectKind::disconnect).empty());
  pub.publish("d", "x", {.alias = 3});
  CHECK(pub.last().kind == EffectKind::disconnect);
  CHECK(pub.last().reason == Reason::topic_alias_invalid);
  Client& next = rig.connect("p", {.clean = false, .expiry_s = 60});
  next.publish("", "x", {.alias = 1});  // mappings hold for one connection
  CHECK(next.last().kind == EffectKind::disconnect);
  CHECK(next.last().reason == Reason::protocol_error);
  Client& none = rig.connect("q");
  none.publish("", "x");
  CHECK(none.last().reason == Reason::protocol_error);
}

namespace {

// Clients may do nothing with "secret...", and "mute" may not be heard by "deaf".
class Rights final : public Grants {
 public:
  explicit Rights(bool deaf) : deaf_(deaf) {}
  bool may_publish(std::string_view topic) const override { return !topic.starts_with("secret"); }
  bool may_subscribe(std::string_view filter) const override {
    return !filter.starts_with("secret");
  }

 private:
  bool may_receive_one(std::string_view topic) const override {
    return !deaf_ || !topic.starts_with("mute");
  }
  bool deaf_;
};

class Rules final : public Permissions {
 public:
  std::uint32_t revision() const override { return 1; }
  GrantsRef decide(std::string_view, std::string_view client, std::string_view) const override {
    return std::make_shared<Rights>(client == "deaf");
  }
};

}  // namespace

TEST_CASE("what is not allowed [5:u3.3.4-4 3:3.3.5-2 5:u3.9.3-1]") {
  const Rules rules;
  Rig rig({}, &rules);
  Client& watcher = rig.connect("w");
  watcher.subscribe("#", 1);
  for (Version version : {Version::v5, Version::v311}) {
    const bool v5 = version == Version::v5;
    Client& c = rig.connect("c", {.version = version});
    c.publish("secret/a", "x", {.qos = 1, .packet_id = 4});
    CHECK(c.last().kind == EffectKind::puback);
    CHECK(c.last().reason == (v5 ? Reason::not_authorized : Reason::success));
    c.publish("secret/a", "x", {.qos = 2, .packet_id = 4});
    CHECK(c.last().kind == EffectKind::pubrec);
    CHECK(c.last().reason == (v5 ? Reason::not_authorized : Reason::success));
    c.clear();
    c.publish("secret/a", "x", {.retain = true});
    CHECK(c.got.empty());
    c.subscribe("secret/#", 1);
    CHECK(c.last().detail->codes[0] == (v5 ? Reason::not_authorized : Reason::unspecified_error));
  }
  CHECK(watcher.publishes().empty());
  CHECK(rig.counters.refused_not_authorized == 8);
  Client& deaf = rig.connect("deaf");
  deaf.publish("mute/x", "kept", {.qos = 1, .retain = true});
  deaf.subscribe("#", 1);
  CHECK(deaf.publishes().empty());
  deaf.publish("mute/y", "x", {.qos = 1});
  CHECK(deaf.publishes().empty());
  CHECK(watcher.publishes().size() == 2);
}

TEST_CASE("clients may not publish to topics that begin with $ [5:u4.7.2-1]") {
  for (Version version : {Version::v5, Version::v311}) {
    Rig rig;
    const bool v5 = version == Version::v5;
    Client& sub = rig.connect("s");
    sub.subscribe("$x/#", 2);
    Client& pub = rig.connect("p", {.version = version, .expiry_s = 60});
    pub.publish("$x/a", "1", {.qos = 1, .retain = true});
    CHECK(pub.last().reason == (v5 ? Reason::not_authorized : Reason::success));
    pub.publish("$x/a", "2", {.qos = 2, .packet_id = 6});
    CHECK(pub.last().reason == (v5 ? Reason::not_authorized : Reason::success));
    pub.pubrel(6);
    CHECK(pub.last().reason == (v5 ? Reason::packet_id_not_found : Reason::success));
    CHECK(sub.publishes().empty());
    CHECK(rig.state->figures().retained == 0);
  }
}

TEST_CASE("a topic with too many levels is refused") {
  Rig rig({.topic_levels_max = 3});
  Client& sub = rig.connect("s");
  sub.subscribe("#", 0);
  Client& pub = rig.connect("p");
  pub.publish("a/b/c", "x", {.qos = 1});
  CHECK(pub.last().reason == Reason::success);
  pub.publish("a/b/c/d", "x", {.qos = 1});
  CHECK(pub.last().reason == Reason::topic_name_invalid);
  CHECK(sub.publishes().size() == 1);
}

TEST_CASE("durable and volatile receivers of one message: one record, one payload") {
  Rig rig;
  Client& durable = rig.connect("d", {.expiry_s = 60});
  Client& brief = rig.connect("v");
  durable.subscribe("t", 1);
  brief.subscribe("t", 2);
  Client& pub = rig.connect("p");
  const std::size_t before = rig.log.records.size();
  pub.publish("t", "m", {.qos = 2, .packet_id = 1});
  CHECK(rig.log.records.size() == before + 1);
  CHECK(durable.last().message.get() == brief.last().message.get());
  CHECK(brief.last().qos == 2);
  CHECK(brief.last().after == rig.log.last);
  CHECK(pub.last().after == rig.log.last);
  CHECK(rig.records(Kind::published) == 1);
}

TEST_CASE("volatile clients among themselves write nothing, at any QoS") {
  Rig rig;
  Client& sub = rig.connect("s");
  sub.subscribe("t", 2);
  Client& pub = rig.connect("p");
  pub.publish("t", "1", {.qos = 1});
  pub.publish("t", "2", {.qos = 2, .packet_id = 1});
  pub.publish("t", "2", {.qos = 2, .packet_id = 1});
  CHECK(sub.payloads() == "1 2");
  const auto publishes = sub.publishes();
  sub.puback(publishes[0].packet_id);
  sub.pubrec(publishes[1].packet_id);
  sub.pubcomp(publishes[1].packet_id);
  pub.pubrel(1);
  CHECK(rig.log.records.empty());
  CHECK(rig.state->figures().queued == 0);
  CHECK(rig.state->figures().queued_bytes == 0);
}

TEST_CASE(
    "who publishes without the right to is named; a 3.1.1 client is sent away where that is said") {
  class Nothing final : public Permissions, public Grants {
   public:
    std::uint32_t revision() const override { return 1; }
    GrantsRef decide(std::string_view, std::string_view, std::string_view) const override {
      return GrantsRef(std::shared_ptr<void>(), this);
    }
    bool may_publish(std::string_view) const override { return false; }
    bool may_subscribe(std::string_view) const override { return false; }

   private:
    bool may_receive_one(std::string_view) const override { return false; }
  };
  const Nothing nothing;
  for (const DeniedPublish policy : {DeniedPublish::acknowledge, DeniedPublish::disconnect}) {
    Limits limits;
    limits.denied_publish = policy;
    Rig rig(limits, &nothing);
    Client& old = rig.connect("old", {.version = Version::v311});
    old.publish("secret", "1", {.qos = 1, .packet_id = 1});
    const bool ended = old.last().kind == EffectKind::disconnect;
    CHECK(ended == (policy == DeniedPublish::disconnect));
    CHECK(rig.counters.protocol_errors == 0);
    Client& five = rig.connect("five");
    five.publish("secret", "1", {.qos = 1, .packet_id = 1});
    CHECK(five.last().reason == Reason::not_authorized);
    five.subscribe("a/#", 1);
    const std::vector<Denial> denied = rig.engine->take_denials();
    REQUIRE(denied.size() == 3);
    CHECK(denied[0].client_id == "old");
    CHECK(denied[1].topic == "secret");
    CHECK(denied[2].what == Denial::What::subscribe);
    CHECK(denied[2].topic == "a/#");
    for (std::uint16_t i = 2; i < 100; ++i) five.publish("x", "1", {.qos = 1, .packet_id = i});
    CHECK(rig.engine->take_denials().size() == 8);  // a few are enough
    CHECK(rig.engine->take_denials().empty());
  }
}
