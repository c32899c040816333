#include "tests/unit/core/rig.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;

namespace {

const Effect& connack(const Client& client) {
  REQUIRE_FALSE(client.got.empty());
  REQUIRE(client.got[0].kind == EffectKind::connack);
  return client.got[0];
}

bool present(const Client& client) {
  return connack(client).detail->session_present;
}

const ConnectOptions kStays{.clean = false, .expiry_s = 100};

}  // namespace

TEST_CASE("CONNACK is first and waits for the session's record [5:3.2.0-1 5:3.1.4-5 3:3.1.4-4]") {
  Rig rig;
  Client& a = rig.connect("a", kStays);
  CHECK(connack(a).reason == Reason::success);
  CHECK(connack(a).after == rig.log.last);
  CHECK(rig.records(Kind::session_opened) == 1);
  Client& b = rig.connect("b");
  CHECK(connack(b).after == rig.log.last);
  CHECK(rig.records(Kind::session_opened) == 1);
  CHECK(b.origin.seat != kNoSeat);
  CHECK(a.got.size() == 1);
}

TEST_CASE(
    "session present tells whether a session was stored [5:3.2.2-2 5:3.2.2-3 5:3.1.2-5 5:3.1.2-6 "
    "3:3.2.2-1 3:3.2.2-2 3:3.2.2-3]") {
  for (Version version : {Version::v5, Version::v311, Version::v31}) {
    Rig rig;
    ConnectOptions stays{.version = version, .clean = false, .expiry_s = 100};
    ConnectOptions clean{.version = version, .clean = true, .expiry_s = 100};
    Client& first = rig.connect("c", stays);
    CHECK_FALSE(present(first));
    first.subscribe("t", 1);
    first.drop();
    CHECK(present(rig.connect("c", stays)));
    rig.clients.rbegin()->second->drop();
    CHECK(rig.state->figures().subscriptions == 1);
    CHECK_FALSE(present(rig.connect("c", clean)));
    CHECK(rig.state->figures().subscriptions == 0);
  }
}

TEST_CASE("a clean start throws an old session away [5:3.1.2-4 3:3.1.2-6 5:3.1.4-4 3:3.1.4-3]") {
  Rig rig;
  Client& old = rig.connect("c", kStays);
  old.subscribe("t", 1);
  old.drop();
  Client& again = rig.connect("c");
  CHECK_FALSE(again.last().detail->session_present);
  CHECK(rig.records(Kind::session_removed) == 1);
  CHECK(rig.state->figures().sessions == 1);
  // 3.1.1: such a session is never used again.
  again.drop();
  CHECK(rig.state->figures().sessions == 0);
}

TEST_CASE(
    "the session ends when its expiry has passed, not before [5:3.1.2-23 5:4.1.0-2 5:4.1.0-1 "
    "3:4.1.0-2]") {
  Rig rig;
  Client& c = rig.connect("c", kStays);
  rig.now += 1'000'000;
  rig.expire();
  CHECK(rig.state->figures().sessions == 1);  // connected for longer than the expiry
  c.drop();
  rig.now += 99'999;
  rig.expire();
  CHECK(rig.state->figures().sessions == 1);
  rig.now += 1;
  rig.expire();
  CHECK(rig.state->figures().sessions == 0);
  CHECK(rig.counters.sessions_expired == 1);
}

TEST_CASE("0xFFFFFFFF and 3.1.1 without clean session never expire [5:u3.1.2.11.2-1 3:3.1.2-4]") {
  Rig rig;
  rig.connect("a", {.clean = false, .expiry_s = kNeverExpires}).drop();
  rig.connect("b", {.version = Version::v311, .clean = false}).drop();
  rig.now += TimeMs{1000} * 3600 * 24 * 365 * 200;
  rig.expire();
  CHECK(rig.state->figures().sessions == 2);
}

TEST_CASE("an expiry above the limit is cut and told in CONNACK [5:u3.2.2.3.2-1]") {
  Rig rig({.session_expiry_s_max = 50});
  Client& v5 = rig.connect("a", kStays);
  CHECK(connack(v5).detail->session_expiry_changed);
  CHECK(connack(v5).detail->session_expiry_s == 50);
  Client& fits = rig.connect("b", {.clean = false, .expiry_s = 50});
  CHECK_FALSE(connack(fits).detail->session_expiry_changed);
  v5.drop();
  rig.connect("c", {.version = Version::v311, .clean = false}).drop();
  rig.now += 50'000;
  rig.expire();
  CHECK(rig.state->figures().sessions == 1);
}

TEST_CASE("take-over: the older connection gets DISCONNECT 0x8E [5:3.1.4-3 3:3.1.4-2]") {
  Rig rig;
  Client& old = rig.connect("c", kStays);
  Client& young = rig.connect("c", kStays);
  CHECK(old.last().kind == EffectKind::disconnect);
  CHECK(old.last().reason == Reason::session_taken_over);
  CHECK(old.last().after == 0);
  CHECK(present(young));
  // What still comes from the old connection means nothing.
  old.publish("t", "x", {.qos = 1});
  CHECK(old.of(EffectKind::puback).empty());
  old.drop();
  CHECK(rig.state->figures().sessions_connected == 1);
  Client& third = rig.connect("v");
  Client& fourth = rig.connect("v", {.clean = false});
  CHECK(third.last().reason == Reason::session_taken_over);
  CHECK_FALSE(present(fourth));
}

TEST_CASE(
    "empty client identifiers [5:3.1.3-6 5:3.1.3-7 5:3.2.2-16 3:3.1.3-6 3:3.1.3-8 5:3.2.2-6 "
    "5:3.2.2-7 3:3.2.2-4 3:3.2.2-5]") {
  Rig rig;
  Client& v5 = rig.connect("", kStays);
  CHECK(connack(v5).detail->assigned_client_id == "auto-1");
  CHECK(rig.connect("", {.version = Version::v311}).origin.seat != kNoSeat);
  for (ConnectOptions o : {ConnectOptions{.version = Version::v311, .clean = false},
                           ConnectOptions{.version = Version::v31, .clean = true}}) {
    Client& refused = rig.connect("", o);
    CHECK(refused.origin.seat == kNoSeat);
    CHECK(connack(refused).reason == Reason::client_id_not_valid);
    CHECK_FALSE(present(refused));
    CHECK(refused.last().kind == EffectKind::close);
    // [5:3.1.4-6 3:3.1.4-5] nothing more is handled
    refused.publish("t", "x", {.qos = 1});
    CHECK(refused.got.size() == 2);
  }
  Client& back = rig.connect("auto-1", kStays);
  CHECK(present(back));
}

TEST_CASE("DISCONNECT may change the expiry, but not from 0 [5:u3.14.2.2.2-1]") {
  Rig rig;
  Client& longer = rig.connect("a", kStays);
  CHECK(longer.disconnect(Reason::success, 1000));
  rig.now += 999'000;
  rig.expire();
  CHECK(rig.state->figures().sessions == 1);
  Client& ends = rig.connect("a", kStays);
  CHECK(ends.disconnect(Reason::success, 0));
  CHECK(rig.state->figures().sessions == 0);

  mqtt::Will will;
  will.topic = "w";
  Client& zero = rig.connect("b", {.will = &will});
  CHECK_FALSE(zero.disconnect(Reason::success, 5));
  CHECK(zero.last().kind == EffectKind::disconnect);
  CHECK(zero.last().reason == Reason::protocol_error);
  CHECK(rig.state->figures().sessions == 1);
  // It did not count as a DISCONNECT: the will is published.
  zero.drop();
  CHECK(rig.counters.wills_published == 1);
}

TEST_CASE("a client without expiry that resumes a stored session keeps it until it goes") {
  Rig rig;
  Client& first = rig.connect("c", kStays);
  first.subscribe("t", 1);
  first.drop();
  Client& second = rig.connect("c", {.clean = false, .expiry_s = 0});
  CHECK(present(second));
  CHECK_FALSE(is_volatile(second.origin.seat));
  second.drop();
  CHECK(rig.state->figures().sessions == 0);
  CHECK_FALSE(present(rig.connect("c", kStays)));
}

TEST_CASE("a volatile session ends with its connection [5:u3.1.2.11.2-1]") {
  Rig rig;
  Client& c = rig.connect("c");
  c.subscribe("t", 2);
  c.drop();
  CHECK(rig.state->figures().sessions == 0);
  CHECK(rig.state->figures().subscriptions == 0);
  CHECK(rig.log.records.empty());
}

TEST_CASE("nothing overtakes a CONNACK that is not committed, QoS 0 neither [5:3.2.0-1]") {
  Rig rig;
  rig.connect("s", kStays).subscribe("t", 0);
  Client& pub = rig.connect("p");
  Client& back = rig.connect("s", kStays);
  pub.publish("t", "now");
  REQUIRE(back.publishes().size() == 1);
  CHECK(back.last().after == connack(back).after);
  CHECK(back.last().after > 0);
}

TEST_CASE("an engine goes on with a state that was cleared, as after a snapshot") {
  Rig rig;
  rig.connect("c", kStays).subscribe("t", 1);
  rig.state->clear();
  rig.mirror->clear();
  Client& again = rig.connect("c", kStays);
  CHECK_FALSE(present(again));
  CHECK(rig.state->figures().sessions == 1);
  CHECK(rig.state->figures().subscriptions == 0);
}

TEST_CASE("a session is its user's, whoever else names its identifier") {
  Rig rig;
  ConnectOptions alice = kStays, bob = kStays, nobody = kStays;
  alice.username = "alice";
  bob.username = "bob";
  Client& first = rig.connect("c", alice);
  first.subscribe("t", 1);
  for (bool clean : {false, true}) {
    for (ConnectOptions other : {bob, nobody}) {
      other.clean = clean;
      Client& refused = rig.connect("c", other);
      CHECK(connack(refused).reason == Reason::client_id_not_valid);
      CHECK(refused.origin.seat == kNoSeat);
    }
  }
  CHECK(rig.counters.refused_others_session == 4);
  CHECK(first.got.back().kind != EffectKind::disconnect);
  CHECK(rig.engine->user_of(first.origin.seat) == "alice");
  rig.fail_over();
  CHECK(connack(rig.connect("c", bob)).reason == Reason::client_id_not_valid);
  CHECK(present(rig.connect("c", alice)));
}

TEST_CASE("where it is said, another user begins anew") {
  Limits limits;
  limits.others_session = OthersSession::clean;
  Rig rig(limits);
  ConnectOptions alice = kStays, bob = kStays;
  alice.username = "alice";
  bob.username = "bob";
  Client& first = rig.connect("c", alice);
  first.subscribe("t", 1);
  CHECK_FALSE(present(rig.connect("c", bob)));
  CHECK(first.last().reason == Reason::session_taken_over);
  CHECK(rig.state->figures().subscriptions == 0);
}

TEST_CASE("what an anonymous client left is whose who comes with its identifier") {
  Rig rig;
  Client& nobody = rig.connect("c", kStays);
  ConnectOptions alice = kStays;
  alice.username = "alice";
  CHECK(connack(rig.connect("c", alice)).reason == Reason::client_id_not_valid);  // it is there
  nobody.drop();
  CHECK(present(rig.connect("c", alice)));
  CHECK(connack(rig.connect("c", kStays)).reason == Reason::client_id_not_valid);
}
