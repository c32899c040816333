// Slow readers, floods, crowds, and a pair that does not commit.
#include <algorithm>

#include "broker/clients/limits.h"
#include "broker/mqtt/encode.h"
#include "tests/unit/clients/rig.h"

using namespace tandemq;
using namespace tandemq::broker;
using namespace tandemq::broker::test;

namespace {

const std::string kLarge(500'000, 'x');

}  // namespace

TEST_CASE("QoS 0 to a reader that does not read is dropped beyond a bound, nobody else's") {
  Rig rig;
  Peer &stuck = rig.connected("stuck"), &good = rig.connected("good"), &writer = rig.connected("w");
  for (Peer* reader : {&stuck, &good}) reader->subscribe("t");
  rig.turn();
  stuck.take();
  good.take();
  stuck.wire->room = 1000;
  const std::size_t sent = 60;
  for (std::size_t i = 0; i < sent; ++i) {
    writer.publish("t", kLarge);
    rig.settle();
    CHECK(good.count(PacketType::publish) == 1);
  }
  const std::uint64_t dropped = rig.clients.counters().dropped_slow_reader;
  CHECK(dropped >= sent - kUnsentMax / kLarge.size() - 2);
  CHECK(rig.clients.counters().unsent_bytes <= kUnsentMax + 2 * kLarge.size());
  stuck.wire->room = ~std::size_t{0};
  rig.settle();
  CHECK(stuck.count(PacketType::publish) == sent - dropped);  // whole ones, in order
  writer.publish("t", "after it");
  rig.settle();
  CHECK(stuck.count(PacketType::publish) == 1);
  CHECK(rig.clients.counters().unsent_bytes == 0);
}

TEST_CASE("who reads no answers is not read from either, until it does") {
  Rig rig;
  Peer& peer = rig.connected("a", {.keep_alive_s = 2});
  peer.subscribe("t", 1);
  rig.turn();
  peer.take();
  peer.wire->room = 1000;
  for (std::uint16_t id = 1; id <= 200; ++id) {
    peer.publish("t", kLarge, 1, id);
    rig.settle();
  }
  const std::uint64_t handled = rig.clients.counters().packets_received;
  CHECK(handled < 180);
  CHECK_FALSE(peer.wire->to_broker.empty());
  rig.pass_seconds(10);  // and its silence is not held against it
  CHECK(rig.clients.counters().packets_received == handled);
  CHECK_FALSE(peer.ended());
  peer.wire->room = ~std::size_t{0};
  rig.settle();
  CHECK(rig.clients.counters().packets_received == 202);
  CHECK_FALSE(peer.ended());
}

TEST_CASE("a flood does not keep others waiting, and is answered in full") {
  Rig rig;
  Peer &flood = rig.connected("flood"), &calm = rig.connected("calm");
  const std::size_t pings = 60'000;
  for (std::size_t i = 0; i < pings; ++i) flood.ping();
  calm.ping();
  rig.turn();
  CHECK(calm.count(PacketType::pingresp) == 1);
  const std::size_t in_one_turn = flood.count(PacketType::pingresp);
  CHECK(in_one_turn <= kWorkPerCallback + 1);
  CHECK(rig.clients.has_backlog());
  std::size_t all = in_one_turn;
  for (int turns = 0; turns < 20 && all < pings; ++turns) {
    calm.ping();
    rig.turn();
    CHECK(calm.count(PacketType::pingresp) == 1);
    all += flood.count(PacketType::pingresp);
  }
  CHECK(all == pings);
  CHECK_FALSE(rig.clients.has_backlog());
}

TEST_CASE("a turn ends in time in a crowd, and everybody comes round") {
  Rig rig;
  std::vector<Peer*> crowd;
  for (int i = 0; i < 40; ++i) crowd.push_back(&rig.connected("c" + std::to_string(i)));
  rig.ns_per_look = kTurnNs / 10;  // that long takes each of them
  for (Peer* peer : crowd) peer->ping();
  rig.turn();
  CHECK(rig.turns_cut == 1);
  CHECK(rig.net.anything_ready());
  for (int i = 0; i < 5; ++i) rig.turn();
  for (Peer* peer : crowd) CHECK(peer->count(PacketType::pingresp) == 1);
  CHECK(rig.turns_cut >= 3);
}

TEST_CASE("a crowd that is late is sent away over several turns") {
  Rig rig;
  std::vector<Peer*> crowd;
  for (int i = 0; i < 40; ++i) crowd.push_back(&rig.dial());
  const auto ended = [&] {
    return std::count_if(crowd.begin(), crowd.end(), [](Peer* peer) { return peer->ended(); });
  };
  rig.turn();
  rig.pass_seconds(static_cast<int>(kConnectTimeoutS) - 1);
  REQUIRE(ended() == 0);
  rig.ns_per_look = kSweepNs / 4;  // that long takes each of them
  for (int i = 0; i < 3 && ended() == 0; ++i) rig.pass_seconds(1);
  CHECK(ended() > 0);
  CHECK(ended() < 20);
  CHECK(rig.clients.has_backlog());
  for (int turns = 0; turns < 20; ++turns) rig.turn();
  CHECK(ended() == 40);
  CHECK_FALSE(rig.clients.has_backlog());
}

TEST_CASE("however quickly they are looked at, only so many are sent away in a turn") {
  constexpr std::size_t kCrowd = 3 * kEndsPerSweep + 10;
  Rig rig(kCrowd);
  std::vector<Peer*> crowd;
  for (std::size_t i = 0; i < kCrowd; ++i) crowd.push_back(&rig.dial());
  const auto ended = [&] {
    return static_cast<std::size_t>(
        std::count_if(crowd.begin(), crowd.end(), [](Peer* peer) { return peer->ended(); }));
  };
  rig.turn();
  rig.pass_seconds(static_cast<int>(kConnectTimeoutS) - 1);
  REQUIRE(ended() == 0);
  while (ended() == 0) rig.pass_seconds(1);
  REQUIRE(rig.clients.has_backlog());
  for (std::size_t before = ended(); before < kCrowd; before = ended()) {
    rig.turn();
    CHECK(ended() <= before + kEndsPerSweep);
    REQUIRE(ended() > before);
  }

  rig.ns_per_look = kTurnNs / 10;  // that long takes each that goes
  for (Peer* peer : crowd) peer->close();
  rig.turn();
  CHECK(rig.turns_cut == 1);
  CHECK(rig.clients.size() > kCrowd - 30);
  rig.ns_per_look = 0;
  rig.settle();
  CHECK(rig.clients.size() == 0);
}

TEST_CASE("nothing above QoS 0 leaves before it is committed") {
  Rig rig;
  Peer &reader = rig.connected("r", {.expiry_s = 100}), &writer = rig.connected("w");
  reader.subscribe("t", 1);
  rig.turn();
  reader.take();
  rig.commits = false;
  writer.publish("t", "x", 1, 1);
  writer.publish("t", "y", 0);
  rig.settle();
  CHECK(writer.take().empty());
  CHECK(rig.clients.figures().held_effects >= 2);
  rig.commit();
  rig.turn();
  CHECK(writer.count(PacketType::puback) == 1);
  CHECK(rig.clients.figures().held_effects == 0);
}

TEST_CASE("while too much waits for its commit nobody is read from, then all go on") {
  Rig rig;
  Peer &reader = rig.connected("r", {.expiry_s = 100}), &writer = rig.connected("w");
  Peer& other = rig.connected("o", {.keep_alive_s = 2});
  reader.subscribe("t", 1);
  rig.turn();
  reader.take();
  rig.commits = false;
  SUBCASE("bytes held") {
    for (std::uint16_t id = 1; id <= 150; ++id) {
      writer.publish("t", kLarge, 1, id);
      rig.settle();
    }
    CHECK(rig.clients.figures().held_bytes > kHeldBytesMax);
  }
  SUBCASE("records not committed") {
    rig.clients.uncommitted(kUncommittedBytesMax + 1);
  }
  CHECK(rig.clients.figures().reading_paused);
  other.ping();
  rig.pass_seconds(10);
  CHECK(other.take().empty());
  CHECK_FALSE(other.ended());  // its silence is ours
  CHECK(rig.clients.counters().reads_paused == 1);
  rig.commits = true;
  rig.clients.uncommitted(0);
  rig.settle();
  CHECK_FALSE(rig.clients.figures().reading_paused);
  CHECK(other.count(PacketType::pingresp) == 1);
  CHECK(writer.wire->to_broker.empty());
}

TEST_CASE("a subscription to very many retained messages comes in pieces, in a crowd too") {
  Rig rig;
  Peer& writer = rig.connected("w");
  const std::size_t count = 12'000;
  for (std::size_t i = 0; i < count; ++i) writer.publish("r/" + std::to_string(i), "x", 0, 0, true);
  rig.settle();
  Peer &reader = rig.connected("r"), &calm = rig.connected("calm");
  SUBCASE("it reads") {}
  SUBCASE("it reads slowly") {
    reader.wire->room = 20'000;
  }
  reader.subscribe("r/#");
  reader.ping();
  std::size_t got = 0, pings = 0;
  int turns = 0;
  for (; turns < 2000 && pings == 0; ++turns) {
    calm.ping();
    rig.turn();
    CHECK(calm.count(PacketType::pingresp) == 1);
    for (const Got& packet : reader.take()) {
      got += packet.type == PacketType::publish;
      pings += packet.type == PacketType::pingresp;
    }
  }
  CHECK(got == count);  // all before the answer to what came after SUBSCRIBE
  CHECK(turns >= 2);
}

TEST_CASE("who vanishes while it is being served takes nobody along") {
  Rig rig;
  Peer& writer = rig.connected("w");
  for (int i = 0; i < 10'000; ++i) writer.publish("r/" + std::to_string(i), "x", 0, 0, true);
  rig.settle();
  Peer &feeding = rig.connected("f"), &flood = rig.connected("x"), &reader = rig.connected("r");
  feeding.subscribe("r/#");
  for (int i = 0; i < 20'000; ++i) flood.publish("t", "x");
  rig.turn();
  CHECK(rig.clients.has_backlog());
  for (Peer* peer : {&feeding, &flood}) peer->reset();
  reader.ping();
  rig.settle();
  CHECK(reader.count(PacketType::pingresp) == 1);
  rig.pass_seconds(3);
  CHECK(rig.clients.size() == 2);
}

TEST_CASE("answers behind one another are all handled, and counted, as packets") {
  Rig rig;
  Peer &reader = rig.connected("r"), &writer = rig.connected("w");
  reader.subscribe("t", 1);
  rig.settle();
  reader.take();
  constexpr std::uint16_t kSent = 1000;
  for (std::uint16_t id = 1; id <= kSent; ++id) writer.publish("t", "x", 1, id);
  rig.settle();
  std::string answers;
  for (const Got& got : reader.take())
    mqtt::encode_ack(answers, Version::v5, PacketType::puback, got.packet_id, Reason::success);
  CHECK(rig.state.figures().queued == kSent);
  const std::uint64_t before = rig.clients.counters().packets_received;
  reader.raw(answers);
  rig.settle();
  CHECK(rig.state.figures().queued == 0);
  CHECK(rig.clients.counters().packets_received == before + kSent);
}
