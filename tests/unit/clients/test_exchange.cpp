// AUTH packets, before CONNACK and after it.
#include "tests/unit/clients/rig.h"

using namespace tandemq;
using namespace tandemq::broker;
using namespace tandemq::broker::test;

namespace {

constexpr Reason kGoOn = Reason::continue_authentication, kAgain = Reason::reauthenticate;

struct Proving {
  Rig rig;
  Peer* peer = &rig.dial();

  // CONNECT has come, and the challenge gone.
  explicit Proving(ConnectAs as = {}) {
    as.method = "TEST";
    as.data = "hello";
    peer->connect("c", as);
    rig.settle();
  }
  // It is served.
  void come_in() {
    peer->auth(kGoOn, "alice");
    rig.settle();
    REQUIRE(rig.clients.counters().connects == 1);
    peer->take();
  }
  // The only packet that has come, the last one on this connection.
  Got last() {
    const std::vector<Got> got = peer->take();
    CHECK(peer->ended());
    return got.size() == 1 ? got[0] : Got{};
  }
};

void expect_refused(Proving& p, Reason reason) {
  p.rig.settle();
  const Got got = p.last();
  CHECK(got.type == PacketType::connack);
  CHECK(got.reason == reason);
  CHECK(got.method.empty());
  CHECK(p.rig.clients.counters().connects == 0);
}

void expect_dismissed(Proving& p, Reason reason) {
  p.rig.settle();
  const Got got = p.last();
  CHECK(got.type == PacketType::disconnect);
  CHECK(got.reason == reason);
}

}  // namespace

TEST_CASE("AUTH before CONNACK, which has the method and the last word [5:4.12.0-2 5:4.12.0-5]") {
  Proving p({.clean = false, .expiry_s = 100, .will_topic = "will"});
  std::vector<Got> got = p.peer->take();
  REQUIRE(got.size() == 1);
  CHECK(got[0].type == PacketType::auth);
  CHECK(got[0].reason == kGoOn);
  CHECK(got[0].method == "TEST");
  CHECK(got[0].data == "who?");
  CHECK(p.rig.clients.counters().connects == 0);
  p.peer->auth(kGoOn, "alice");
  p.rig.settle();
  got = p.peer->take();
  REQUIRE(got.size() == 1);
  CHECK(got[0].type == PacketType::connack);
  CHECK(got[0].reason == Reason::success);
  CHECK(got[0].method == "TEST");
  CHECK(got[0].data == "welcome");
  CHECK(p.rig.engine->user_of(1) == "alice");
  p.peer->ping();
  p.rig.settle();
  CHECK(p.peer->count(PacketType::pingresp) == 1);
  Peer& reader = p.rig.connected("reader");  // the CONNECT counts as it came: with its will
  reader.subscribe("will");
  p.rig.settle();
  reader.take();
  p.peer->close();
  p.rig.settle();
  CHECK(reader.count(PacketType::publish) == 1);
}

TEST_CASE("a proof that is wrong, or a method that is not offered [5:4.12.0-1 5:4.12.0-4]") {
  Proving wrong;
  wrong.peer->take();
  wrong.peer->auth(kGoOn, "bob");
  expect_refused(wrong, Reason::bad_username_or_password);
  CHECK(wrong.rig.clients.counters().refused_auth == 1);
  Rig rig;
  for (const auto& [method, data, reason] :
       {std::tuple{"OTHER", "hello", Reason::bad_authentication_method},
        std::tuple{"TEST", "what", Reason::bad_username_or_password}}) {
    Peer& peer = rig.dial();
    peer.connect("c", {.method = method, .data = data});
    peer.ping();
    rig.settle();
    const std::vector<Got> got = peer.take();
    REQUIRE(got.size() == 1);
    CHECK(got[0].type == PacketType::connack);
    CHECK(got[0].reason == reason);
    CHECK(peer.ended());
  }
}

TEST_CASE("before CONNACK only AUTH that goes on, or DISCONNECT [5:3.1.2-30]") {
  const auto provokes = [](auto say, Reason reason) {
    Proving p;
    p.peer->take();
    say(*p.peer);
    expect_refused(p, reason);
  };
  provokes([](Peer& peer) { peer.ping(); }, Reason::protocol_error);
  provokes([](Peer& peer) { peer.publish("t", "x", 1, 1); }, Reason::protocol_error);
  provokes([](Peer& peer) { peer.publish("t", "x"); }, Reason::protocol_error);
  provokes([](Peer& peer) { peer.connect("c"); }, Reason::protocol_error);
  provokes([](Peer& peer) { peer.auth(kAgain, "alice"); }, Reason::protocol_error);
  provokes([](Peer& peer) { peer.raw(std::string("\xf0\0", 2)); }, Reason::protocol_error);
  provokes([](Peer& peer) { peer.raw(std::string("\xf1\0", 2)); }, Reason::malformed_packet);
  provokes([](Peer& peer) { peer.auth(kGoOn, "alice", "OTHER"); },
           Reason::bad_authentication_method);
  Proving leaves;
  leaves.peer->take();
  leaves.peer->disconnect();
  leaves.rig.settle();
  CHECK(leaves.peer->take().empty());
  CHECK(leaves.peer->ended());
}

TEST_CASE("who named a method and does not wait for CONNACK is sent away [5:3.1.2-30]") {
  for (const bool ping : {true, false}) {
    Proving p({.clean = false, .expiry_s = 100});
    p.peer->take();
    p.rig.commits = false;
    p.peer->auth(kGoOn, "alice");
    ping ? p.peer->ping() : p.peer->auth(kAgain, "hello");
    p.rig.settle();
    CHECK(p.peer->ended());
    p.rig.commits = true;
    p.rig.settle();
    CHECK(p.peer->take().empty());
  }
}

TEST_CASE("an exchange has the time of a CONNECT [5:u3.1.4-1]") {
  Proving p;
  p.peer->take();
  p.rig.pass_seconds(8);
  CHECK_FALSE(p.peer->ended());
  p.rig.pass_seconds(4);
  expect_refused(p, Reason::not_authorized);
}

TEST_CASE("what is larger than the client takes is not sent [5:3.15.2-2 5:3.15.2-3]") {
  Proving p({.packet_max = 15});
  expect_refused(p, Reason::packet_too_large);
}

TEST_CASE("proving anew while served [5:4.12.1-1]") {
  Proving p;
  p.come_in();
  for (int i = 0; i < 3; ++i) {
    p.peer->auth(kAgain, "hello");
    p.peer->ping();
    p.rig.settle();
    std::vector<Got> got = p.peer->take();
    REQUIRE(got.size() == 2);
    CHECK(got[0].type == PacketType::auth);
    CHECK(got[0].reason == kGoOn);
    CHECK(got[1].type == PacketType::pingresp);
    p.peer->auth(kGoOn, "alice");
    p.rig.settle();
    got = p.peer->take();
    REQUIRE(got.size() == 1);
    CHECK(got[0].type == PacketType::auth);
    CHECK(got[0].reason == Reason::success);
    CHECK(got[0].method == "TEST");
    CHECK(got[0].data == "welcome");
  }
  REQUIRE(p.rig.gate.exchanges.size() == 4);
  CHECK(p.rig.gate.exchanges[3].username == "alice");  // it cannot become another
}

TEST_CASE("whoever cannot prove it anew is sent away, with its will [5:4.12.1-2]") {
  Proving p({.will_topic = "will"});
  p.come_in();
  Peer& reader = p.rig.connected("reader");
  reader.subscribe("will");
  p.rig.settle();
  reader.take();
  p.peer->auth(kAgain, "hello");
  p.rig.settle();
  p.peer->take();
  p.peer->auth(kGoOn, "bob");
  expect_dismissed(p, Reason::not_authorized);
  CHECK(p.rig.clients.counters().refused_auth == 1);
  CHECK(reader.count(PacketType::publish) == 1);
}

TEST_CASE("AUTH at the wrong time after CONNACK [5:u3.15-1]") {
  const auto provokes = [](auto say, Reason reason) {
    Proving p;
    p.come_in();
    say(*p.peer);
    p.rig.settle();
    const std::vector<Got> got = p.peer->take();
    REQUIRE_FALSE(got.empty());
    CHECK(got.back().type == PacketType::disconnect);
    CHECK(got.back().reason == reason);
    CHECK(p.peer->ended());
  };
  provokes([](Peer& peer) { peer.auth(kGoOn, "alice"); }, Reason::protocol_error);
  provokes(
      [](Peer& peer) {
        peer.auth(kAgain, "hello");
        peer.auth(kAgain, "hello");
      },
      Reason::protocol_error);
  provokes([](Peer& peer) { peer.auth(kAgain, "hello", "OTHER"); },
           Reason::bad_authentication_method);
  provokes([](Peer& peer) { peer.raw(std::string("\xf0\0", 2)); }, Reason::protocol_error);
  Rig rig;
  Peer& plain = rig.connected("plain");
  plain.auth(kAgain, "hello");
  rig.settle();
  CHECK(plain.take().at(0).reason == Reason::protocol_error);
  CHECK(plain.ended());
}

TEST_CASE("a review sends away who has proven a password by AUTH as well") {
  Proving p;
  p.come_in();
  p.rig.gate.removed = "alice";
  p.rig.clients.review();
  expect_dismissed(p, Reason::not_authorized);
}

TEST_CASE("who goes away in the middle of an exchange leaves nothing") {
  Proving p;
  p.peer->take();
  p.peer->reset();
  p.rig.settle();
  CHECK(p.rig.clients.size() == 0);
  Proving demoted;
  demoted.peer->take();
  demoted.rig.end_reign();
  demoted.rig.begin_reign();
  demoted.rig.settle();
  CHECK(demoted.peer->ended());
}
