// The life of connections: CONNECT, taking over, every way to end.
#include <random>

#include "tests/unit/clients/rig.h"

using namespace tandemq;
using namespace tandemq::broker;
using namespace tandemq::broker::test;

TEST_CASE("CONNECT is answered with what the broker promises, and counted") {
  Rig rig;
  Peer& peer = rig.dial();
  rig.turn();
  CHECK(peer.take().empty());
  peer.connect("a");
  rig.turn();
  const std::vector<Got> got = peer.take();
  REQUIRE(got.size() == 1);
  CHECK(got[0].type == PacketType::connack);
  CHECK_FALSE(got[0].session_present);
  CHECK(rig.clients.counters().connects == 1);
  CHECK(rig.clients.first_connect_ns() > 0);
  peer.ping();
  rig.turn();
  CHECK(peer.count(PacketType::pingresp) == 1);
}

TEST_CASE("a stream means the same in whatever pieces it comes") {
  const std::uint64_t seed = 7;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    Rig rig;
    Peer& peer = rig.dial();
    peer.wire->record = round % 3 == 0 ? 20 + random() % 400 : 0;  // as TLS hands it out
    std::string all;
    std::swap(all, peer.wire->to_broker);
    peer.connect("a");
    peer.subscribe("t/#", 1);
    for (std::uint16_t id = 1; id <= 50; ++id) {
      peer.publish("t/x", std::string(random() % 3000, 'x'), id % 2, id % 2 ? id : 0);
      if (id % 10 == 0) peer.ping();
    }
    std::swap(all, peer.wire->to_broker);
    while (!all.empty()) {
      const std::size_t size = std::min<std::size_t>(all.size(), 1 + random() % 5000);
      peer.raw(all.substr(0, size));
      all.erase(0, size);
      rig.turn();
    }
    rig.settle();
    std::size_t publishes = 0, acknowledged = 0, pings = 0;
    for (const Got& got : peer.take()) {
      publishes += got.type == PacketType::publish;
      pings += got.type == PacketType::pingresp;
      if (got.type == PacketType::puback) CHECK(got.packet_id == 2 * acknowledged++ + 1);
    }
    CHECK(publishes == 50);
    CHECK(acknowledged == 25);
    CHECK(pings == 5);
  }
}

TEST_CASE("who may not connect is told so, and the connection ends") {
  Rig rig;
  rig.gate.says = Reason::not_authorized;
  Peer& peer = rig.dial();
  peer.connect("a");
  peer.publish("t", "not heard");
  rig.turn();
  const std::vector<Got> got = peer.take();
  REQUIRE(got.size() == 1);
  CHECK(got[0].reason == Reason::not_authorized);
  CHECK(peer.ended());
  CHECK(rig.clients.counters().refused_auth == 1);
  CHECK(rig.clients.counters().packets_received == 1);
  CHECK(rig.state.figures().sessions == 0);
}

TEST_CASE("a packet before CONNECT ends the connection without a word") {
  Rig rig;
  Peer& peer = rig.dial();
  peer.ping();
  rig.turn();
  CHECK(peer.take().empty());
  CHECK(peer.ended());
}

TEST_CASE("a CONNECT that cannot be read is answered") {
  Rig rig;
  Peer& peer = rig.dial();
  peer.raw(std::string("\x10\x0d\0\4MQTT\x09\2\0\0\0\0\0", 15));  // version 9
  rig.turn();
  const std::vector<Got> got = peer.take();
  REQUIRE(got.size() == 1);
  CHECK(got[0].reason == Reason::unsupported_version);
  CHECK(peer.ended());
}

TEST_CASE("no CONNECT in time ends the connection") {
  Rig rig;
  Peer& peer = rig.dial();
  rig.pass_seconds(8);
  CHECK_FALSE(peer.ended());
  rig.pass_seconds(3);
  CHECK(peer.ended());
  CHECK(peer.take().empty());
}

TEST_CASE("a session that is taken over leaves its old connection, which is told why") {
  Rig rig;
  Peer& old = rig.connected("c", {.expiry_s = 100});
  old.subscribe("t", 1);
  rig.turn();
  old.take();
  Peer& now = rig.dial();
  now.connect("c", {.clean = false, .expiry_s = 100});
  rig.turn();
  const std::vector<Got> farewell = old.take();
  REQUIRE(farewell.size() == 1);
  CHECK(farewell[0].type == PacketType::disconnect);
  CHECK(farewell[0].reason == Reason::session_taken_over);
  CHECK(farewell[0].text.find("client identifier") != std::string::npos);
  CHECK(old.ended());
  const std::vector<Got> got = now.take();
  REQUIRE(got.size() == 1);
  CHECK(got[0].session_present);
  old.publish("t", "of nobody");
  rig.turn();
  now.publish("t", "mine");
  rig.turn();
  const std::vector<Got> messages = now.take();
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].payload == "mine");

  CHECK(rig.clients.size() == 2);  // the old one until it closes too
  SUBCASE("the old client closes") {
    old.close();
    rig.turn();
  }
  SUBCASE("the old client does not care") {
    rig.pass_seconds(4);
  }
  CHECK(rig.clients.size() == 1);
  CHECK(old.wire->closed);
}

TEST_CASE("a CONNACK waits until the taking over is committed, and nothing comes before it") {
  Rig rig;
  Peer& old = rig.connected("c", {.expiry_s = 100});
  Peer& writer = rig.connected("w");
  old.subscribe("t", 0);
  rig.turn();
  old.take();
  rig.commits = false;
  Peer& now = rig.dial();
  now.connect("c", {.clean = false, .expiry_s = 100});
  rig.settle();
  CHECK(old.count(PacketType::disconnect) == 1);
  writer.publish("t", "at once for everybody else");
  now.ping();
  rig.settle();
  CHECK(now.take().empty());
  rig.commit();
  rig.turn();
  const std::vector<Got> got = now.take();
  REQUIRE(got.size() == 3);
  CHECK(got[0].type == PacketType::connack);
}

TEST_CASE("DISCONNECT drops the will, everything else publishes it once") {
  Rig rig;
  Peer& watcher = rig.connected("watcher");
  watcher.subscribe("will");
  rig.turn();
  watcher.take();
  Peer& mortal = rig.connected("mortal", {.keep_alive_s = 2, .will_topic = "will"});
  std::size_t wills = 1;
  SUBCASE("it says good-bye") {
    mortal.disconnect();
    wills = 0;
  }
  SUBCASE("it closes") {
    mortal.close();
  }
  SUBCASE("its connection breaks") {
    mortal.reset();
  }
  SUBCASE("its connection breaks while the broker writes") {
    watcher.publish("will", "to all");
    mortal.subscribe("will");
    rig.turn();
    watcher.take();
    mortal.wire->broken = true;
    mortal.wire->wanted.read = false;  // the write sees it first
    watcher.publish("will", "x");
    wills = 2;
  }
  SUBCASE("it sends what is no packet") {
    mortal.raw(std::string("\0\0", 2));
  }
  SUBCASE("it falls silent") {
    rig.pass_seconds(5);
  }
  SUBCASE("it closes in the middle of a packet") {
    mortal.raw("\x30\x50half");
    mortal.close();
  }
  rig.settle();
  rig.pass_seconds(1);
  CHECK(watcher.count(PacketType::publish) == wills);
  CHECK(rig.state.figures().sessions == 1);
  rig.pass_seconds(4);
  CHECK(rig.clients.size() == 1);
  CHECK(watcher.take().empty());
}

TEST_CASE("who is malformed is told in 5.0, and nothing after it is handled") {
  for (const Version version : {Version::v311, Version::v5}) {
    Rig rig;
    Peer& peer = rig.connected("a", {.version = version});
    peer.raw(std::string("\x36\x02\0\0", 4));  // PUBLISH of QoS 3
    peer.publish("t", "x", 0, 0, true);
    rig.turn();
    const std::vector<Got> got = peer.take();
    REQUIRE(got.size() == (version == Version::v5 ? 1 : 0));
    if (!got.empty()) CHECK(got[0].reason == Reason::malformed_packet);
    CHECK(peer.ended());
    CHECK(rig.state.figures().retained == 0);
    CHECK(rig.clients.counters().malformed == 1);
  }
}

TEST_CASE("silence counts from the last whole packet") {
  Rig rig;
  Peer& peer = rig.connected("a", {.keep_alive_s = 4});
  for (int i = 0; i < 5; ++i) {
    rig.pass_seconds(4);
    peer.ping();
    rig.turn();
    CHECK(peer.count(PacketType::pingresp) == 1);
  }
  for (int i = 0; i < 8; ++i) {
    rig.pass_seconds(1);
    peer.raw("\x30");  // a byte now and then is no packet
    if (i == 0) peer.raw("\x7f");
  }
  const std::vector<Got> got = peer.take();
  REQUIRE(got.size() == 1);
  CHECK(got[0].reason == Reason::keep_alive_timeout);
  CHECK(rig.clients.counters().timed_out == 1);
  CHECK(peer.ended());
}

TEST_CASE("a long packet on a slow line is no silence") {
  Rig rig;
  Peer& peer = rig.connected("a", {.keep_alive_s = 4});
  Peer other(Version::v5);
  other.publish("t", std::string(20'000, 'x'), 1, 7);
  const std::string packet = other.wire->to_broker;
  for (std::size_t at = 0; at < packet.size(); at += 1'000) {
    peer.raw(std::string_view(packet).substr(at, 1'000));
    rig.pass_seconds(1);
  }
  CHECK(peer.count(PacketType::puback) == 1);
  CHECK(rig.clients.counters().timed_out == 0);
}

TEST_CASE(
    "an answer larger than the client takes ends the connection, and the engine hears of it") {
  Rig rig;
  Peer& watcher = rig.connected("watcher");
  watcher.subscribe("will");
  Peer& peer = rig.connected("a", {.packet_max = 30, .will_topic = "will"});
  mqtt::Subscribe packet;
  packet.packet_id = 1;
  std::deque<std::string> filters;
  for (int i = 0; i < 40; ++i) {
    packet.filters.push_back({.filter = filters.emplace_back("f/" + std::to_string(i))});
  }
  std::string bytes;
  mqtt::encode(bytes, Version::v5, packet);
  peer.raw(bytes);
  watcher.take();
  rig.settle();
  CHECK(peer.ended());
  CHECK(peer.count(PacketType::suback) == 0);
  CHECK(watcher.count(PacketType::publish) == 1);
}

TEST_CASE("a full listener turns away whoever comes, and takes the next when one has gone") {
  Rig rig(2);
  Peer& first = rig.connected("a");
  rig.connected("b");
  Peer& third = rig.dial();
  CHECK(third.wire->closed);
  CHECK(rig.clients.counters().refused_full == 1);
  first.close();
  rig.turn();
  rig.connected("c");
  CHECK(rig.clients.size() == 2);
}
