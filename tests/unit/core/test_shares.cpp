// Shared subscriptions: whose turn it is, and what becomes of a member's messages (5.0
// section 4.8.2).
#include <algorithm>

#include "tests/unit/core/rig.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;

TEST_CASE(
    "shares: each message to one member, in turn, others get their own copy [5:4.8.2-3 "
    "5:u4.8.2-1]") {
  Rig rig;
  Client& a = rig.connect("a");
  Client& b = rig.connect("b", {.expiry_s = 60});
  Client& pub = rig.connect("p");
  a.subscribe("$share/g/t/+", 0);
  b.subscribe("$share/g/t/+", 1);
  b.subscribe("$share/h/t/+", 1);
  b.subscribe("t/x", 2);
  for (int i = 0; i < 4; ++i) pub.publish("t/x", std::to_string(i), {.qos = 1});
  CHECK(a.publishes().size() == 2);
  for (const Effect& effect : a.publishes()) CHECK(effect.qos == 0);
  CHECK(b.publishes().size() == 2 + 4 + 4);
  std::vector<std::uint16_t> ids;
  for (const Effect& effect : b.publishes()) ids.push_back(effect.packet_id);
  std::sort(ids.begin(), ids.end());
  CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
}

TEST_CASE(
    "shares prefer connected members; what a member has stays with it [5:4.8.2-4 5:4.8.2-5 "
    "5:4.8.2-6]") {
  Rig rig;
  Client& a = rig.connect("a", {.expiry_s = 60});
  a.subscribe("$share/g/t", 2);
  Client& pub = rig.connect("p");
  pub.publish("t", "1", {.qos = 2, .packet_id = 1});
  a.drop();
  Client& b = rig.connect("b", {.expiry_s = 60});
  b.subscribe("$share/g/t", 2);
  for (int i = 2; i < 5; ++i)
    pub.publish("t", std::to_string(i), {.qos = 2, .packet_id = static_cast<std::uint16_t>(i)});
  CHECK(b.payloads() == "2 3 4");
  // Refused by the member: dropped.
  b.pubrec(b.publishes()[0].packet_id, Reason::not_authorized);
  b.drop();
  pub.publish("t", "5", {.qos = 2, .packet_id = 5});
  Client& back = rig.connect("a", {.clean = false, .expiry_s = 60});
  REQUIRE_FALSE(back.publishes().empty());
  CHECK(back.publishes()[0].message->payload() == "1");
  CHECK(back.publishes()[0].dup);
}

TEST_CASE(
    "what a member leaves behind when its session ends goes to another [5:u4.8.2-2 5:4.8.2-5]") {
  for (std::uint8_t qos : {std::uint8_t{1}, std::uint8_t{2}}) {
    Rig rig;
    Client& a = rig.connect("a", {.expiry_s = qos == 1 ? 0u : 60u, .receive_maximum = 2});
    a.subscribe("$share/g/t/#", 2);
    a.subscribe("$share/lonely/u", 2);
    a.subscribe("t/mine", 2);
    Client& pub = rig.connect("p");
    std::uint16_t id = 0;
    for (const char* topic : {"t/1", "t/2", "t/3", "u", "t/mine", "t/6"})
      pub.publish(topic, topic, {.qos = qos, .packet_id = ++id});
    REQUIRE(a.payloads() == "t/1 t/2");
    qos == 1 ? a.puback(a.publishes()[0].packet_id) : a.pubrec(a.publishes()[0].packet_id);
    Client& b = rig.connect("b", {.expiry_s = 60});
    b.subscribe("$share/g/+/#", 2);  // another filter: another group
    b.subscribe("$share/g/t/#", 1);
    a.disconnect(Reason::success, 0);
    // What may have arrived with QoS 2 goes to nobody; what may be of another subscription neither.
    CHECK(b.payloads() == (qos == 1 ? "t/2 t/3 t/6" : "t/3 t/6"));
    for (const Effect& effect : b.publishes()) CHECK((effect.qos == 1 && !effect.dup));
    CHECK(rig.state->figures().queued == b.publishes().size());
    b.disconnect(Reason::success, 0);  // the last one: they are dropped
    CHECK(rig.state->figures().queued == 0);
  }
}

TEST_CASE("a member that leaves QoS 2 behind: each message is there once behind any record") {
  Rig rig;
  Client& a = rig.connect("a", {.expiry_s = 60, .receive_maximum = 1});
  a.subscribe("$share/g/t", 2);
  Client& pub = rig.connect("p");
  for (std::uint16_t i = 1; i <= 20; ++i)
    pub.publish("t", std::to_string(i), {.qos = 2, .packet_id = i});
  rig.connect("b", {.expiry_s = 60}).subscribe("$share/g/t", 2);
  const std::size_t before = rig.log.records.size();
  a.disconnect(Reason::success, 0);
  REQUIRE(rig.log.records.size() > before);
  // Whichever record is the last one that the next primary has.
  State next;
  for (std::size_t i = 0; i < rig.log.records.size(); ++i) {
    const Logged& record = rig.log.records[i];
    REQUIRE(next.apply_encoded(record.lsn, record.kind, record.body));
    if (i + 1 < before) continue;
    const bool removed = record.kind == Kind::session_removed;
    CHECK(next.figures().queued == (removed ? 19 : 20));  // the first one was begun
  }
}

TEST_CASE("a member that leaves much behind: in pieces, also by the next primary [5:u4.8.2-2]") {
  for (const bool dies : {false, true}) {
    Rig rig;
    rig.check_mirror = false;
    Client& a = rig.connect("a", {.expiry_s = 60, .receive_maximum = 1});
    a.subscribe("$share/g/t", 2);
    a.subscribe("other", 1);
    Client& pub = rig.connect("p");
    for (std::uint16_t i = 1; i <= 2500; ++i) {
      const std::uint8_t qos = i % 2 ? 2 : 1;
      pub.publish("t", std::to_string(i), {.qos = qos, .packet_id = i});
    }
    Client* b = &rig.connect("b", {.expiry_s = 60});
    b->subscribe("$share/g/t", 2);
    a.disconnect(Reason::success, 0);
    CHECK(b->publishes().size() == 1000);
    CHECK(rig.state->figures().queued == 2500);
    rig.connect("p").publish("other", "m", {.qos = 1});  // not to the session that ends
    CHECK(rig.state->figures().queued == 2500);
    if (dies) {
      rig.fail_over();
      b = &rig.connect("b", {.clean = false, .expiry_s = 60});
    }
    rig.now += 100;
    rig.expire();
    CHECK(rig.counters.sessions_expired == 1);
    CHECK(rig.state->figures().queued == 2499);  // the first was begun with QoS 2
    CHECK(b->publishes().size() == 1024);        // its window
  }
}

TEST_CASE(
    "a member that comes back before all it left is passed on: the rest goes to others "
    "[5:u4.8.2-2]") {
  for (const bool clean_start : {false, true}) {
    Rig rig;
    rig.check_mirror = false;
    Client& a = rig.connect("a", {.expiry_s = 60, .receive_maximum = 1});
    a.subscribe("$share/g/t", 1);
    Client& pub = rig.connect("p");
    for (std::uint16_t i = 1; i <= 5000; ++i)
      pub.publish("t", std::to_string(i), {.qos = 1, .packet_id = i});
    rig.connect("b", {.expiry_s = 60}).subscribe("$share/g/t", 1);
    if (!clean_start) a.disconnect(Reason::success, 0);  // its session ends, it is a new one
    Client& back = rig.connect("a", {.clean = clean_start, .expiry_s = 60});
    CHECK_FALSE(back.last().detail->session_present);
    CHECK(rig.state->figures().queued == 5000);
    CHECK(rig.state->hash() == rig.mirror->hash());
  }
}

TEST_CASE("a member that left more than one turn passes on comes back when that is done") {
  Rig rig;
  rig.check_mirror = false;
  Client& a = rig.connect("a", {.expiry_s = 60, .receive_maximum = 1});
  a.subscribe("$share/g/t", 1);
  Client& pub = rig.connect("p");
  for (std::uint16_t i = 1; i <= 20000; ++i)
    pub.publish("t", std::to_string(i), {.qos = 1, .packet_id = i});
  rig.connect("b", {.expiry_s = 60}).subscribe("$share/g/t", 1);
  const ConnectOptions again{.clean = true, .expiry_s = 60};
  CHECK(rig.connect("a", again).got.front().reason == Reason::server_busy);
  CHECK(rig.connect("a", again).got.front().reason == Reason::server_busy);
  Client& back = rig.connect("a", again);
  CHECK(back.last().reason == Reason::success);
  CHECK_FALSE(back.last().detail->session_present);
  CHECK(rig.state->figures().queued == 20000);
  CHECK(rig.state->hash() == rig.mirror->hash());
}

namespace {

constexpr std::uint32_t kStays = 600;  // session expiry of a member that outlives its connection

void publish_numbers(Client& pub, int from, int to, std::uint8_t qos = 1) {
  for (int i = from; i <= to; ++i)
    pub.publish("t", std::to_string(i), {.qos = qos, .packet_id = static_cast<std::uint16_t>(i)});
}

}  // namespace

TEST_CASE(
    "a share of which one member outlives its connection: the primary dies, nothing is lost "
    "[5:u4.8.2-2]") {
  for (const bool worker_first : {false, true}) {
    for (const bool comes_back : {false, true}) {
      Rig rig;
      Client* keeper = worker_first ? nullptr : &rig.connect("keeper", {.expiry_s = kStays});
      if (keeper) keeper->subscribe("$share/g/t", 1);
      Client& worker = rig.connect("worker", {.receive_maximum = 2});
      worker.subscribe("$share/g/t", 1);
      Client& pub = rig.connect("p");
      publish_numbers(pub, 1, 10);
      if (!keeper) {
        keeper = &rig.connect("keeper", {.expiry_s = kStays});
        keeper->subscribe("$share/g/t", 1);
      }
      publish_numbers(pub, 11, 20);
      worker.puback(worker.publishes()[0].packet_id);
      rig.fail_over();
      keeper = &rig.connect("keeper", {.clean = false, .expiry_s = kStays});
      if (comes_back)
        rig.connect("worker").subscribe("$share/g/t", 1);
      else
        rig.now += 90'001;  // its grace
      rig.expire();
      CHECK(keeper->publishes().size() == 19);
      CHECK(rig.state->figures().queued == 19);
    }
  }
}

TEST_CASE("a member that outlives its connection joins: the others notice nothing of it") {
  Rig rig;
  Client& pub = rig.connect("p");
  pub.publish("kept", "r", {.qos = 1, .retain = true});
  Client& worker = rig.connect("worker", {.receive_maximum = 4});
  mqtt::Subscribe packet;
  packet.filters.push_back({"$share/g/t", 1, false, false, 0});
  packet.filters.push_back({"u", 2, false, true, 0});
  packet.properties.subscription_identifier = 7;
  worker.subscribe(packet);
  worker.publish("nobody", "taken over", {.qos = 2, .packet_id = 9});
  pub.publish("t", "t1", {.qos = 1});
  for (std::uint16_t i = 1; i <= 5; ++i)
    pub.publish("u", "u" + std::to_string(i), {.qos = 2, .packet_id = i});
  REQUIRE(worker.payloads() == "t1 u1 u2 u3");
  const auto sent = worker.publishes();
  worker.pubrec(sent[1].packet_id);
  worker.clear();
  const std::size_t before = rig.state->figures().sessions;
  rig.connect("keeper", {.expiry_s = kStays}).subscribe("$share/g/t", 1);
  CHECK(worker.got.empty());
  CHECK(rig.state->figures().sessions == before + 1);
  CHECK(rig.state->figures().queued == 6);
  // Its exchanges go on, under the same identifiers.
  worker.publish("nobody", "taken over", {.qos = 2, .packet_id = 9, .dup = true});
  CHECK(worker.last().kind == EffectKind::pubrec);
  worker.pubrel(9);
  CHECK(worker.last().kind == EffectKind::pubcomp);
  CHECK(worker.last().reason == Reason::success);
  CHECK(worker.publishes().empty());
  worker.puback(sent[0].packet_id);
  CHECK(worker.payloads() == "u4");
  worker.pubcomp(sent[1].packet_id);
  CHECK(worker.payloads() == "u4 u5");
  for (const Effect& effect : worker.publishes()) {
    CHECK(effect.packet_id != sent[2].packet_id);
    CHECK(effect.packet_id != sent[3].packet_id);
    CHECK(effect.detail->subscription_ids == std::vector<std::uint32_t>{7});
  }
  worker.pubrec(sent[2].packet_id);
  worker.pubcomp(sent[2].packet_id);
  worker.subscribe("kept", 1);
  CHECK(worker.last().message->payload() == "r");
  worker.disconnect();  // a clean session still
  CHECK(rig.state->figures().sessions == before);
  CHECK(rig.connect("worker", {.clean = false}).last().detail->session_present == false);
}

TEST_CASE("a share whose members all end with their connections makes no records") {
  Rig rig;
  const std::size_t before = rig.log.records.size();
  rig.connect("a").subscribe("$share/g/t", 1);
  rig.connect("b").subscribe("$share/g/t", 1);
  publish_numbers(rig.connect("p"), 1, 4);
  CHECK(rig.log.records.size() == before);
  // Nor does one that could not keep anything.
  rig.connect("c", {.expiry_s = kStays}).subscribe("$share/g/t", 0);
  CHECK(rig.records(Kind::session_opened) == 1);
}

TEST_CASE("what is in the journal stays there when it goes to another member") {
  Rig rig;
  Client& a = rig.connect("a", {.expiry_s = kStays, .receive_maximum = 1});
  a.subscribe("$share/g/t", 1);
  Client& pub = rig.connect("p");
  publish_numbers(pub, 1, 3);
  Client& b = rig.connect("b", {.expiry_s = kStays});
  b.subscribe("$share/g/t", 1);
  b.drop();
  Client& worker = rig.connect("worker");
  worker.subscribe("$share/g/t", 0);
  a.disconnect(Reason::success, 0);
  CHECK(worker.publishes().empty());
  rig.fail_over();
  CHECK(rig.connect("b", {.clean = false, .expiry_s = kStays}).payloads() == "1 2 3");
}

namespace {

void publish(Client& publisher, const char* topic, int first, int last) {
  for (int i = first; i <= last; ++i)
    publisher.publish(topic, "x", {.qos = 1, .packet_id = static_cast<std::uint16_t>(i)});
}

}  // namespace

TEST_CASE("a share passes over a member that has no room while another one has") {
  Limits limits;
  SUBCASE("for messages") {
    limits.queued_messages_max = 20;
  }
  SUBCASE("for bytes, by little") {
    const std::size_t footprint = Message::footprint({"t", "x", {}, 1, false, 0});
    limits.queued_bytes_max = 20 * footprint + footprint - 1;
  }
  SUBCASE("as all queues together are full") {
    limits.queued_messages_total_max = 20 + 10 + 1;
  }
  CAPTURE(limits.queued_bytes_max);
  Rig rig(limits);
  Client& stuck = rig.connect("stuck", {.expiry_s = 600, .receive_maximum = 10});
  stuck.subscribe("$share/g/t", 1);
  Client& idle = rig.connect("idle", {.expiry_s = 600});
  idle.subscribe("$share/g/t", 1);
  Client& publisher = rig.connect("p", {.expiry_s = 600});
  std::size_t taken = 0;
  for (int i = 1; i <= 500; ++i) {
    publish(publisher, "t", i, i);
    const auto got = idle.publishes();
    idle.clear();
    for (const auto& one : got) idle.puback(one.packet_id), ++taken;
  }
  CHECK(rig.counters.dropped_queue_full == 0);
  const std::size_t stuck_holds = rig.state->figures().queued;
  CHECK(taken + stuck_holds == 500);
  CHECK(stuck_holds >= 29);  // 10 of them in flight
  CHECK(stuck_holds <= 31);
}

TEST_CASE("where no member of a share has room a message is dropped, and told") {
  Limits limits;
  limits.queued_messages_max = 20;
  Rig rig(limits);
  Client& stuck = rig.connect("stuck", {.expiry_s = 600, .receive_maximum = 10});
  stuck.subscribe("$share/g/t", 1);
  Client& keeper = rig.connect("keeper", {.expiry_s = 600});
  keeper.subscribe("$share/g/t", 1);
  keeper.drop();
  Client& publisher = rig.connect("p", {.expiry_s = 600});
  publish(publisher, "t", 1, 50);
  CHECK(rig.counters.dropped_queue_full == 0);
  publish(publisher, "t", 51, 51);
  CHECK(rig.counters.dropped_queue_full == 1);
}

TEST_CASE("what a member leaves goes to one that has room") {
  for (const bool absent : {false, true}) {
    CAPTURE(absent);
    Limits limits;
    limits.queued_messages_max = 20;
    Rig rig(limits);
    Client& leaves = rig.connect("leaves", {.expiry_s = 600, .receive_maximum = 1});
    leaves.subscribe("$share/g/t", 1);
    Client& publisher = rig.connect("p", {.expiry_s = 600});
    publish(publisher, "t", 1, 20);
    Client& full = rig.connect("full", {.expiry_s = 600, .receive_maximum = 1});
    full.subscribe("$share/g/t", 1);
    full.subscribe("own", 1);
    publish(publisher, "own", 101, 121);
    Client& third = rig.connect("third", {.expiry_s = 600});
    third.subscribe("$share/g/t", 1);
    if (absent) third.drop();
    leaves.disconnect(mqtt::Reason::success, 0);
    for (int i = 0; i < 5; ++i) rig.now += 100, rig.expire();
    CHECK(rig.counters.dropped_queue_full == 0);
  }
}
