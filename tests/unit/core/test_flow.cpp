// Windows, packet identifiers, limits of queues, expiry, packet sizes.
#include "tests/unit/core/rig.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;

namespace {

void publish_numbers(Client& pub, int from, int to, std::uint8_t qos = 1) {
  for (int i = from; i <= to; ++i)
    pub.publish("t", std::to_string(i), {.qos = qos, .packet_id = static_cast<std::uint16_t>(i)});
}

}  // namespace

TEST_CASE(
    "no more than the client's receive maximum is in flight [5:3.3.4-9 5:4.9.0-1 5:4.9.0-2 "
    "5:u4.9-1]") {
  for (std::uint8_t qos : {std::uint8_t{1}, std::uint8_t{2}}) {
    Rig rig;
    Client& sub = rig.connect("s", {.expiry_s = 60, .receive_maximum = 2});
    Client& pub = rig.connect("p");
    sub.subscribe("t", 2);
    publish_numbers(pub, 1, 5, qos);
    CHECK(sub.payloads() == "1 2");
    const std::uint16_t id = sub.publishes()[0].packet_id;
    if (qos == 1) {
      sub.puback(id);
    } else {
      sub.pubrec(id);
      CHECK(sub.payloads() == "1 2");  // PUBREC does not free the place
      sub.pubcomp(id);
    }
    CHECK(sub.payloads() == "1 2 3");
    if (qos == 2) sub.pubrec(sub.publishes()[1].packet_id, Reason::quota_exceeded);
    CHECK(sub.payloads() == (qos == 2 ? "1 2 3 4" : "1 2 3"));
    // [5:3.3.4-10 5:4.9.0-3] everything else goes on
    sub.subscribe("u", 0);
    pub.publish("u", "qos0");
    CHECK(sub.last().message->payload() == "qos0");
  }
}

TEST_CASE("the limit of the broker holds for 3.1.1 clients") {
  Rig rig({.inflight_maximum = 3});
  Client& sub = rig.connect("s", {.version = Version::v311});
  sub.subscribe("t", 1);
  Client& pub = rig.connect("p");
  publish_numbers(pub, 1, 5);
  CHECK(sub.payloads() == "1 2 3");
}

TEST_CASE(
    "packet identifiers are never 0 and never one in use, for a whole turn and more [5:2.2.1-4 "
    "5:4.3.2-1 5:4.3.3-1 3:2.3.1-4 3:4.3.2-1]") {
  Rig rig;
  rig.check_mirror = false;
  Client& sub = rig.connect("s");
  sub.subscribe("t", 1);
  Client& pub = rig.connect("p");
  pub.publish("t", "stuck", {.qos = 1});
  const std::uint16_t stuck = sub.last().packet_id;
  std::uint16_t before = stuck;
  for (int i = 0; i < 140'000; ++i) {
    sub.clear();
    pub.clear();
    pub.publish("t", "m", {.qos = 1});
    REQUIRE(sub.got.size() == 1);
    const std::uint16_t id = sub.last().packet_id;
    REQUIRE(id != 0);
    REQUIRE(id != stuck);
    REQUIRE(id != before);
    before = id;
    sub.puback(id);
  }
  sub.puback(stuck);
  CHECK(rig.state->figures().queued == 0);
}

TEST_CASE(
    "on a return: first what was in flight, with DUP, same identifiers, same order [5:3.3.1-1 "
    "5:4.4.0-1 5:4.6.0-1 5:u4.4.0-1 5:4.3.3-6 3:3.3.1-1 3:4.4.0-1 3:4.6.0-1]") {
  Rig rig;
  ConnectOptions stays{.clean = false, .expiry_s = 60, .receive_maximum = 3};
  Client& sub = rig.connect("s", stays);
  Client& pub = rig.connect("p");
  sub.subscribe("t", 2);
  publish_numbers(pub, 1, 5, 2);
  REQUIRE(sub.payloads() == "1 2 3");
  const auto sent = sub.publishes();
  sub.pubrec(sent[1].packet_id);
  sub.drop();
  publish_numbers(pub, 6, 6, 2);
  Client& back = rig.connect("s", stays);
  REQUIRE(back.got.size() == 4);
  CHECK(back.got[1].kind == EffectKind::publish);
  CHECK(back.got[1].dup);
  CHECK(back.got[1].packet_id == sent[0].packet_id);
  CHECK(back.got[2].kind == EffectKind::pubrel);  // [5:4.3.3-5] no PUBLISH again after PUBREC
  CHECK(back.got[2].packet_id == sent[1].packet_id);
  CHECK(back.got[3].packet_id == sent[2].packet_id);
  CHECK(back.got[3].dup);
  back.pubcomp(sent[1].packet_id);
  CHECK(back.payloads() == "1 3 4");
  CHECK_FALSE(back.last().dup);
  // [5:4.4.0-1] and at no other time
  back.pubrec(sent[0].packet_id);
  back.pubcomp(sent[0].packet_id);
  CHECK(back.payloads() == "1 3 4 5");
}

TEST_CASE("a smaller receive maximum on return holds for what is sent again, too") {
  Rig rig;
  Client& sub = rig.connect("s", {.clean = false, .expiry_s = 60, .receive_maximum = 5});
  sub.subscribe("t", 1);
  Client& pub = rig.connect("p");
  publish_numbers(pub, 1, 7);
  sub.drop();
  Client& back = rig.connect("s", {.clean = false, .expiry_s = 60, .receive_maximum = 2});
  CHECK(back.payloads() == "1 2");
  std::string seen = "1 2";
  for (std::size_t i = 0; i < 7; ++i) {
    const auto publishes = back.publishes();
    REQUIRE(publishes.size() > i);
    CHECK(publishes[i].dup == (i < 5));
    back.puback(publishes[i].packet_id);
  }
  CHECK(back.payloads() == "1 2 3 4 5 6 7");
}

TEST_CASE("more unreleased QoS 2 messages than our receive maximum: DISCONNECT 0x93 [5:u3.3.4-2]") {
  Rig rig({.receive_maximum = 2});
  Client& pub = rig.connect("p", {.expiry_s = 60});
  publish_numbers(pub, 1, 2, 2);
  pub.pubrel(1);
  publish_numbers(pub, 3, 3, 2);
  CHECK(pub.of(EffectKind::disconnect).empty());
  publish_numbers(pub, 3, 3, 2);  // one sent again is not one more
  CHECK(pub.of(EffectKind::disconnect).empty());
  publish_numbers(pub, 4, 4, 2);
  CHECK(pub.last().kind == EffectKind::disconnect);
  CHECK(pub.last().reason == Reason::receive_maximum_exceeded);
}

TEST_CASE("QoS 1 counts against our receive maximum until its PUBACK is out [5:u3.3.4-2]") {
  Rig rig({.receive_maximum = 3});
  for (std::uint8_t qos : {std::uint8_t{1}, std::uint8_t{2}}) {
    Client& pub = rig.connect("p");
    pub.publish("t", "m", {.qos = 2, .packet_id = 1});
    pub.origin.unacknowledged = 1;  // a PUBACK that waits for its commit
    pub.publish("t", "m", {.qos = qos, .packet_id = 2});
    CHECK(pub.of(EffectKind::disconnect).empty());
    pub.origin.unacknowledged = 2;
    pub.publish("t", "m", {.qos = 0});
    CHECK(pub.of(EffectKind::disconnect).empty());
    pub.publish("t", "m", {.qos = qos, .packet_id = 3});
    CHECK(pub.last().kind == EffectKind::disconnect);
    CHECK(pub.last().reason == Reason::receive_maximum_exceeded);
  }
  Client& old = rig.connect("old", {.version = Version::v311});  // knows no receive maximum
  old.origin.unacknowledged = 9;
  old.publish("t", "m", {.qos = 1, .packet_id = 1});
  CHECK(old.last().kind == EffectKind::puback);
}

TEST_CASE("queues are bounded: the newest message is dropped for that session and counted") {
  Rig rig({.queued_messages_max = 3});
  Client& sub = rig.connect("s", {.clean = false, .expiry_s = 60});
  sub.subscribe("t", 1);
  sub.drop();
  Client& other = rig.connect("o");
  other.subscribe("t", 1);
  Client& pub = rig.connect("p");
  publish_numbers(pub, 1, 5);
  CHECK(pub.of(EffectKind::puback).size() == 5);
  CHECK(other.publishes().size() == 5);
  CHECK(rig.counters.dropped_queue_full == 2);
  CHECK(rig.connect("s", {.clean = false, .expiry_s = 60}).payloads() == "1 2 3");

  Rig bytes({.queued_bytes_max = 1000});
  Client& away = bytes.connect("s", {.clean = false, .expiry_s = 60});
  away.subscribe("t", 1);
  away.drop();
  Client& big = bytes.connect("p");
  for (int i = 0; i < 3; ++i) big.publish("t", std::string(400, 'x'), {.qos = 1});
  CHECK(bytes.counters.dropped_queue_full == 1);
}

TEST_CASE(
    "what is too large for a client is dropped and counts as delivered [5:3.1.2-24 5:3.1.2-25]") {
  Rig rig;
  const std::string big(200, 'x');
  ConnectOptions small{.clean = false, .expiry_s = 60, .maximum_packet_size = 100};
  Client& sub = rig.connect("s", small);
  Client& pub = rig.connect("p");
  sub.subscribe("t", 1);
  for (std::uint8_t qos : {std::uint8_t{0}, std::uint8_t{1}}) {
    pub.publish("t", big, {.qos = qos});
    pub.publish("t", "ok", {.qos = qos});
  }
  CHECK(sub.payloads() == "ok ok");
  CHECK(rig.counters.dropped_too_large == 2);
  // In flight and waiting when a client comes back that takes less than before.
  sub.drop();
  Client& large = rig.connect("s", {.clean = false, .expiry_s = 60, .receive_maximum = 2});
  CHECK(large.payloads() == "ok");
  pub.publish("t", big, {.qos = 1});
  CHECK(large.publishes().size() == 2);
  pub.publish("t", big, {.qos = 1});
  pub.publish("t", "end", {.qos = 1});
  large.drop();
  Client& back = rig.connect("s", small);
  CHECK(back.payloads() == "ok end");
  CHECK(rig.counters.dropped_too_large == 4);
  CHECK(rig.state->figures().queued == 2);
}

TEST_CASE(
    "too large for the connection it is to be sent again on: the client lets go of a QoS 2 message "
    "before its identifier is used anew") {
  Rig rig;
  Client& sub = rig.connect("s", {.expiry_s = 60});
  sub.subscribe("t", 2);
  rig.connect("p").publish("t", std::string(200, 'x'), {.qos = 2, .packet_id = 1});
  const std::uint16_t id = sub.publishes()[0].packet_id;
  sub.drop();
  Client& back = rig.connect("s", {.clean = false, .expiry_s = 60, .maximum_packet_size = 100});
  CHECK(back.publishes().empty());
  CHECK(rig.counters.dropped_too_large == 1);
  CHECK(rig.state->figures().queued == 1);
  REQUIRE(back.last().kind == EffectKind::pubrel);
  CHECK(back.last().packet_id == id);
  back.pubcomp(id);
  CHECK(rig.state->figures().queued == 0);
}

TEST_CASE(
    "a waiting message that expires is not sent; one that has been sent stays [5:3.3.2-5 5:4.3.3-7 "
    "5:4.3.3-13]") {
  Rig rig;
  ConnectOptions stays{.clean = false, .expiry_s = 600, .receive_maximum = 1};
  Client& sub = rig.connect("s", stays);
  sub.subscribe("t", 2);
  Client& pub = rig.connect("p");
  pub.publish("t", "sent", {.qos = 2, .packet_id = 1, .expiry_s = 2});
  pub.publish("t", "waits", {.qos = 2, .packet_id = 2, .expiry_s = 2});
  pub.publish("t", "lives", {.qos = 2, .packet_id = 3, .expiry_s = 20});
  pub.publish("t", "for ever", {.qos = 2, .packet_id = 4});
  rig.now += 2000;
  SUBCASE("found when its turn comes") {}
  SUBCASE("found by time") {
    rig.expire();
    CHECK(rig.records(Kind::dropped) == 1);
    CHECK(rig.state->figures().queued == 3);
  }
  const std::uint16_t id = sub.publishes()[0].packet_id;
  sub.pubrec(id);
  sub.pubcomp(id);
  CHECK(sub.payloads() == "sent lives");
  CHECK(rig.counters.dropped_expired == 1);
  CHECK(sub.last().message->expires_at() == 1'000'000 + 20'000);  // [5:3.3.2-6]
}

TEST_CASE("acknowledgements of what is unknown [5:u3.6.2.1-1 5:u3.5.2.1-1]") {
  for (Version version : {Version::v5, Version::v311}) {
    Rig rig;
    Client& c = rig.connect("c", {.version = version});
    const Reason unknown = version == Version::v5 ? Reason::packet_id_not_found : Reason::success;
    c.pubrec(77);
    CHECK(c.last().kind == EffectKind::pubrel);
    CHECK(c.last().packet_id == 77);
    CHECK(c.last().reason == unknown);
    c.pubrel(78);
    CHECK(c.last().kind == EffectKind::pubcomp);
    CHECK(c.last().packet_id == 78);
    CHECK(c.last().reason == unknown);
    c.clear();
    c.puback(79);
    c.pubcomp(80);
    c.pubrec(81, Reason::unspecified_error);
    CHECK(c.got.empty());
  }
}

TEST_CASE("an acknowledgement of the wrong kind is a protocol error") {
  for (int kind = 0; kind < 3; ++kind) {
    Rig rig;
    Client& sub = rig.connect("s");
    sub.subscribe("t", 2);
    rig.connect("p").publish("t", "m", {.qos = static_cast<std::uint8_t>(kind == 0 ? 1 : 2)});
    const std::uint16_t id = sub.last().packet_id;
    if (kind == 0) sub.pubrec(id);
    if (kind == 1) sub.puback(id);
    if (kind == 2) sub.pubcomp(id);
    CHECK(sub.last().kind == EffectKind::disconnect);
    CHECK(sub.last().reason == Reason::protocol_error);
    CHECK(rig.counters.protocol_errors == 1);
  }
}

TEST_CASE(
    "a PUBREC repeated is answered again; one with an error ends the exchange [5:4.3.3-4 5:4.3.3-9 "
    "5:4.4.0-2]") {
  Rig rig;
  Client& sub = rig.connect("s", {.expiry_s = 60});
  sub.subscribe("t", 2);
  Client& pub = rig.connect("p");
  publish_numbers(pub, 1, 2, 2);
  const auto sent = sub.publishes();
  sub.pubrec(sent[0].packet_id);
  sub.pubrec(sent[0].packet_id);
  CHECK(sub.of(EffectKind::pubrel).size() == 2);
  sub.pubrec(sent[1].packet_id, Reason::not_authorized);
  CHECK(sub.of(EffectKind::pubrel).size() == 2);
  sub.drop();
  Client& back = rig.connect("s", {.clean = false, .expiry_s = 60});
  CHECK(back.publishes().empty());
  CHECK(back.of(EffectKind::pubrel).size() == 1);
}
