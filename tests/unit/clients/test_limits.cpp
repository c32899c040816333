// Rates of clients, and what a process near its memory_max does.
#include "broker/base/token_bucket.h"
#include "broker/clients/memory_ceiling.h"
#include "tests/unit/clients/rig.h"

using namespace tandemq;
using namespace tandemq::broker;
using namespace tandemq::broker::test;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
const std::string kLarge(500'000, 'x');

void pass_a_second(Rig& rig) {
  rig.pass_seconds(1);
  rig.clients.tick();
  rig.settle();
}

}  // namespace

TEST_CASE("a token bucket holds a second's worth and is filled at its rate") {
  TokenBucket bucket;
  std::uint64_t now = 5 * kSecond;
  for (int i = 0; i < 10; ++i) {
    CHECK_FALSE(bucket.empty(now));
    bucket.take(1, 10, now);
  }
  CHECK(bucket.empty(now));
  CHECK_FALSE(bucket.empty(now + kSecond / 10));
  bucket.take(100, 10, now);  // more than is there: the next waits for it
  CHECK(bucket.empty(now + 10 * kSecond - 1));
  CHECK_FALSE(bucket.empty(now + 10 * kSecond + 1));
  now += 100 * kSecond;  // no more than a second's worth is saved
  for (int i = 0; i < 10; ++i) bucket.take(1, 10, now);
  CHECK(bucket.empty(now));
}

TEST_CASE("memory is tight and critical from above where that ends") {
  MemoryCeiling ceiling(1000);
  CHECK_FALSE(ceiling.look(790));
  CHECK(ceiling.look(800));
  CHECK(ceiling.state() == MemoryState::tight);
  CHECK_FALSE(ceiling.look(760));
  CHECK(ceiling.excess() == 0);
  CHECK(ceiling.look(960));
  CHECK(ceiling.state() == MemoryState::critical);
  CHECK(ceiling.excess() == 60);
  CHECK_FALSE(ceiling.look(910));
  CHECK(ceiling.look(890));
  CHECK(ceiling.state() == MemoryState::tight);
  CHECK(ceiling.look(740));
  CHECK(ceiling.state() == MemoryState::ample);
  CHECK(ceiling.look(2000));
  CHECK(ceiling.look(0));
  MemoryCeiling none(0);
  CHECK_FALSE(none.look(~std::uint64_t{0}));
}

TEST_CASE("QoS 1 above a client's rate waits, and comes in the end; nobody else waits") {
  Rig rig;
  rig.connections.publishes_per_s = 10;
  Peer &fast = rig.connected("fast", {.keep_alive_s = 1}), &calm = rig.connected("calm");
  for (std::uint16_t id = 1; id <= 35; ++id) fast.publish("t", "m", 1, id);
  calm.publish("t", "m", 1, 1);
  rig.settle();
  std::size_t answered = fast.count(PacketType::puback);
  CHECK(answered == 10);
  CHECK(calm.count(PacketType::puback) == 1);
  for (int i = 0; i < 4; ++i) {
    pass_a_second(rig);
    answered += fast.count(PacketType::puback);
  }
  CHECK(answered == 35);
  CHECK_FALSE(fast.ended());  // its silence was ours
  CHECK(rig.clients.counters().publishers_held >= 3);
  CHECK(rig.clients.counters().dropped_rate_limited == 0);
}

TEST_CASE("bytes above a client's rate wait for them to be paid") {
  Rig rig;
  rig.connections.publish_bytes_per_s = 200'000;
  Peer& peer = rig.connected("p");
  for (std::uint16_t id = 1; id <= 2; ++id) peer.publish("t", kLarge, 1, id);
  rig.settle();
  CHECK(peer.count(PacketType::puback) == 1);
  pass_a_second(rig);
  CHECK(peer.count(PacketType::puback) == 0);
  pass_a_second(rig);
  CHECK(peer.count(PacketType::puback) == 1);
}

TEST_CASE("QoS 0 above a client's rate is dropped and counted, what is said behind it is heard") {
  Rig rig;
  rig.connections.publishes_per_s = 10;
  Peer &sub = rig.connected("s"), &fast = rig.connected("fast");
  sub.subscribe("t");
  rig.settle();
  sub.take();
  for (int i = 0; i < 30; ++i) fast.publish("t", "m");
  fast.ping();
  rig.settle();
  CHECK(sub.count(PacketType::publish) == 10);
  CHECK(fast.count(PacketType::pingresp) == 1);
  CHECK(rig.clients.counters().dropped_rate_limited == 20);
}

TEST_CASE("a message that is dropped counts once, in however many pieces it comes") {
  Rig rig;
  rig.connections.publish_bytes_per_s = 1'000;
  Peer& fast = rig.connected("fast");
  for (int i = 0; i < 2; ++i) fast.publish("t", kLarge);  // the first takes what minutes bring
  rig.settle();
  CHECK(rig.clients.counters().dropped_rate_limited == 1);
}

TEST_CASE("while memory is tight publishers wait, who is served is served, strangers are refused") {
  Rig rig;
  Peer &pub = rig.connected("p", {.keep_alive_s = 1}), &reader = rig.connected("r");
  rig.clients.memory(MemoryState::tight);
  pub.publish("t", "1", 1, 1);
  pub.ping();
  reader.ping();
  rig.settle();
  CHECK(pub.take().empty());
  CHECK(reader.count(PacketType::pingresp) == 1);
  Peer& fresh = rig.dial();
  fresh.connect("fresh");
  rig.settle();
  const std::vector<Got> told = fresh.take();
  REQUIRE_FALSE(told.empty());
  CHECK(told[0].reason == Reason::quota_exceeded);
  pass_a_second(rig);  // one may pass, and what is behind it
  CHECK(pub.take().size() == 2);
  rig.clients.memory(MemoryState::critical);
  pub.publish("t", "2", 1, 2);
  rig.settle();
  CHECK(pub.take().empty());
  pass_a_second(rig);
  CHECK(pub.count(PacketType::puback) == 1);
  pub.publish("t", "3", 1, 3);
  rig.settle();
  CHECK(pub.take().empty());
  Peer& late = rig.dial();  // it may have a session, whose queue is what fills the memory
  rig.settle();
  CHECK_FALSE(late.ended());
  rig.clients.memory(MemoryState::ample);
  pass_a_second(rig);
  CHECK(pub.count(PacketType::puback) == 1);
}

TEST_CASE(
    "memory that is critical costs the reader with most unsent its connection, not messages") {
  Rig rig;
  const ConnectAs stays{.clean = false, .expiry_s = 60};
  Peer &stuck = rig.connected("stuck", stays), &slow = rig.connected("slow", stays);
  Peer& pub = rig.connected("p");
  stuck.subscribe("a", 1);
  slow.subscribe("b", 1);
  rig.settle();
  for (Peer* one : {&stuck, &slow}) one->take();
  for (Peer* one : {&stuck, &slow}) one->wire->room = 1000;
  for (std::uint16_t id = 1; id <= 3; ++id) pub.publish("a", kLarge, 1, id);
  pub.publish("b", kLarge, 1, 4);
  rig.settle();
  CHECK(pub.count(PacketType::puback) == 4);
  rig.clients.free_buffers(kLarge.size());
  CHECK(stuck.ended());
  CHECK_FALSE(slow.ended());
  CHECK(rig.clients.counters().slow_readers_closed == 1);
  CHECK(rig.clients.counters().unsent_bytes <= kLarge.size() + 1000);
  Peer& back = rig.dial();
  back.connect("stuck", stays);
  rig.settle();
  CHECK(back.count(PacketType::publish) == 3);
}
