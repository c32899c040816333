// Subscriptions whose clients may not have their retained messages yet
// (docs/decisions/retained-owed.md).
#include <set>

#include "tests/unit/core/rig.h"

namespace tandemq::core::test {

namespace {

constexpr std::uint8_t kIfNew = 1;  // retain handling

mqtt::Subscribe subscribe_if_new(std::string_view filter, std::uint8_t qos) {
  mqtt::Subscribe packet;
  packet.packet_id = 3;
  packet.filters.push_back({filter, qos, false, false, kIfNew});
  return packet;
}

}  // namespace

TEST_CASE("a subscription whose retained messages were cut off is a new one when asked for again") {
  enum class Cut { connection, host, by_another, polite };
  for (const Cut cut : {Cut::connection, Cut::host, Cut::by_another, Cut::polite})
    for (const std::uint8_t qos : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{2}})
      for (const std::size_t budget :
           {1u, 1000u}) {  // in the middle; all was put up, nobody answered
        CAPTURE(static_cast<int>(cut));
        CAPTURE(static_cast<int>(qos));
        CAPTURE(budget);
        Rig rig;
        for (const char* topic : {"a", "b", "c"})
          rig.connect("p").publish(topic, "m", {.qos = 2, .retain = true});
        const ConnectOptions lasting{.clean = false, .expiry_s = 60};
        Client& sub = rig.connect("s", lasting);
        const mqtt::Subscribe packet = subscribe_if_new("+", qos);
        const auto feed = rig.engine->subscribe(sub.origin, packet, rig.now, rig.out);
        REQUIRE(feed);
        CHECK(rig.engine->feed(*feed, budget, rig.now, rig.out) == (budget > 1));
        rig.settle();
        if (cut == Cut::connection) sub.drop();
        if (cut == Cut::polite) sub.disconnect(Reason::success, 60);
        if (cut == Cut::host) rig.fail_over();
        Client& again = rig.connect("s", lasting);
        if (cut == Cut::by_another) rig.engine->fed(*feed, rig.out);  // an answer that comes late
        again.clear();
        again.subscribe(packet.filters.front());
        std::set<std::string> topics;
        for (const Effect& effect : again.publishes()) topics.emplace(effect.message->topic());
        CHECK(topics.size() == 3);
        // Now they are with the client, on either node.
        again.clear();
        again.subscribe(packet.filters.front());
        CHECK(again.publishes().empty());
        rig.fail_over();
        Client& later = rig.connect("s", lasting);
        later.clear();
        later.subscribe(packet.filters.front());
        CHECK(later.publishes().empty());
      }
}

TEST_CASE("a filter named twice in a packet gets its retained messages once") {
  Rig rig;
  rig.connect("p").publish("t", "m", {.qos = 1, .retain = true});
  Client& sub = rig.connect("s");
  mqtt::Subscribe packet;
  packet.packet_id = 3;
  for (const std::uint8_t qos : {std::uint8_t{1}, std::uint8_t{0}})
    packet.filters.push_back({"t", qos, false, false, 0});
  sub.subscribe(packet);
  CHECK(sub.publishes().size() == 1);
  CHECK(sub.of(EffectKind::suback).front().detail->codes.size() == 2);
}

TEST_CASE("a subscriber that is there gets all retained messages, whatever its queue may hold") {
  Limits limits;
  limits.queued_messages_max = 5;
  limits.queued_bytes_max = 200;
  Rig rig(limits);
  Client& pub = rig.connect("p");
  for (int i = 0; i < 40; ++i)
    pub.publish("t/" + std::to_string(i), "m", {.qos = 1, .retain = true});
  Client& sub = rig.connect("s", {.clean = false, .expiry_s = 60, .receive_maximum = 2});
  sub.clear();
  sub.subscribe("t/#", 1);
  pub.publish("t/x", "live", {.qos = 1});  // has its place behind them
  for (std::size_t i = 0; i < sub.publishes().size(); ++i) sub.puback(sub.publishes()[i].packet_id);
  CHECK(sub.publishes().size() == 41);
  CHECK(rig.counters.dropped_queue_full == 0);
  // Its queue has its limits again.
  sub.drop();
  for (int i = 0; i < 7; ++i) pub.publish("t/x", "live", {.qos = 1});
  CHECK(rig.counters.dropped_queue_full > 0);
}

TEST_CASE("who asks again and again and takes nothing fills a queue so far and no further") {
  Limits limits;
  limits.queued_messages_max = 10;
  Rig rig(limits);
  Client& pub = rig.connect("p");
  for (int i = 0; i < 20; ++i)
    pub.publish("t/" + std::to_string(i), "m", {.qos = 1, .retain = true});
  Client& sub = rig.connect("s", {.clean = false, .expiry_s = 60, .receive_maximum = 1});
  for (int i = 0; i < 10; ++i) sub.subscribe("t/#", 1);
  CHECK(rig.state->figures().queued == 1 + 10 + 20);
}

}  // namespace tandemq::core::test
