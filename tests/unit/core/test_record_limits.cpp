// No input of a client makes a record that is longer than a frame: what a record names beside a
// message is spread over as many as it takes.
#include "broker/core/record_codec.h"
#include "tests/unit/core/monkey.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;

namespace {

constexpr std::size_t kListMax = 40;

Limits small_records() {
  Limits limits;
  limits.record_list_bytes_max = kListMax;
  return limits;
}

std::vector<Record> decoded(const Rig& rig, Kind kind) {
  std::vector<Record> found;
  for (const Logged& one : rig.log.records) {
    if (one.kind != kind) continue;
    Result<Record> record = decode_record(kind, one.body);
    REQUIRE(record);
    found.push_back(*record);
  }
  return found;
}

std::size_t longest(const Rig& rig, Kind kind) {
  std::size_t size = 0;
  for (const Logged& one : rig.log.records)
    if (one.kind == kind) size = std::max(size, one.body.size());
  return size;
}

}  // namespace

TEST_CASE("many receivers are spread over several records, the facts are in the last") {
  Rig rig(small_records());
  std::vector<Client*> receivers;
  for (int i = 0; i < 20; ++i) {
    receivers.push_back(&rig.connect("r" + std::to_string(i), {.expiry_s = 60}));
    receivers.back()->subscribe("t", 2, 7);
  }
  Client& publisher = rig.connect("p", {.expiry_s = 60});
  publisher.publish("t", "x", {.qos = 2, .retain = true, .packet_id = 5});

  const std::vector<Record> records = decoded(rig, Kind::published);
  REQUIRE(records.size() > 3);
  CHECK(longest(rig, Kind::published) < 2 * kListMax + 60);
  std::size_t targets = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Published& one = std::get<Published>(records[i]);
    targets += one.targets.size();
    const bool last = i + 1 == records.size();
    CHECK(one.inbound_id == (last ? 5 : 0));
    CHECK((one.retain == RetainAction::store) == last);
  }
  CHECK(targets == 20);
  for (const Client* receiver : receivers) CHECK(receiver->publishes().size() == 1);
  // The answer waits for all of them.
  CHECK(publisher.last().kind == EffectKind::pubrec);
  CHECK(publisher.last().after == rig.log.last);
}

TEST_CASE("a receiver with several copies keeps its identifiers apart across records") {
  Rig rig(small_records());
  Client& member = rig.connect("m", {.expiry_s = 60});
  for (char group = 'a'; group < 'm'; ++group)
    member.subscribe("$share/" + std::string(1, group) + "/t", 1);
  Client& passing = rig.connect("v");
  for (char group = 'n'; group < 'z'; ++group)
    passing.subscribe("$share/" + std::string(1, group) + "/t", 1);
  rig.connect("p").publish("t", "x", {.qos = 1});
  CHECK(rig.records(Kind::published) > 1);
  for (const Client* client : {&member, &passing}) {
    CHECK(client->publishes().size() == 12);
    for (std::size_t i = 0; i < 12; ++i) CHECK(client->publishes()[i].packet_id == i + 1);
  }
}

TEST_CASE("a will with many receivers is published once") {
  Rig rig(small_records());
  mqtt::Will will;
  will.topic = "t";
  will.payload = "gone";
  will.qos = 1;
  Client& mortal = rig.connect("m", {.will = &will});
  for (int i = 0; i < 20; ++i) {
    Client& receiver = rig.connect("r" + std::to_string(i), {.expiry_s = 60});
    receiver.subscribe("t", 1);
  }
  mortal.drop();
  CHECK(rig.records(Kind::published) > 3);
  CHECK(std::get<Published>(decoded(rig, Kind::published).back()).is_will);
  CHECK(rig.state->figures().queued == 20);
  rig.now += 100'000;
  rig.expire();
  CHECK(rig.counters.wills_published == 1);
}

TEST_CASE("many filters in one SUBSCRIBE are spread over several records") {
  Rig rig(small_records());
  Client& client = rig.connect("c", {.expiry_s = 60});
  mqtt::Subscribe packet;
  packet.packet_id = 1;
  std::vector<std::string> filters;
  for (int i = 0; i < 30; ++i) filters.push_back("filter/" + std::to_string(i / 2));
  for (const std::string& filter : filters) packet.filters.push_back({filter, 1, false, false, 1});
  client.subscribe(packet);
  CHECK(rig.records(Kind::subscribed) > 5);
  CHECK(longest(rig, Kind::subscribed) < 2 * kListMax);
  CHECK(rig.state->figures().subscriptions == 15);
  REQUIRE(client.of(EffectKind::suback).size() == 1);
  CHECK(client.of(EffectKind::suback)[0].detail->codes.size() == 30);
  CHECK(client.of(EffectKind::suback)[0].after == rig.log.last);
}

TEST_CASE("the limit of subscriptions counts filters in records that are written already") {
  Limits limits = small_records();
  limits.subscriptions_per_session_max = 10;
  Rig rig(limits);
  Client& client = rig.connect("c", {.expiry_s = 60});
  mqtt::Subscribe packet;
  packet.packet_id = 1;
  std::vector<std::string> filters;
  for (int i = 0; i < 15; ++i) filters.push_back("filter/" + std::to_string(i));
  for (const std::string& filter : filters) packet.filters.push_back({filter, 1, false, false, 0});
  client.subscribe(packet);
  CHECK(rig.state->figures().subscriptions == 10);
}

TEST_CASE("many expired messages, and many retained ones, are spread over several records") {
  Rig rig(small_records());
  Client& client = rig.connect("c", {.expiry_s = 60});
  client.subscribe("q", 1);
  client.drop();
  Client& publisher = rig.connect("p");
  for (int i = 0; i < 30; ++i) publisher.publish("q", "x", {.qos = 1, .expiry_s = 1});
  for (int i = 0; i < 30; ++i)
    publisher.publish("kept/" + std::to_string(i), "x", {.qos = 1, .retain = true});
  rig.now += 2'000;
  rig.expire();
  CHECK(rig.records(Kind::dropped) == 6);
  CHECK(longest(rig, Kind::dropped) <= 8 + kListMax);
  CHECK(rig.state->figures().queued == 0);
  Client& back = rig.connect("c", {.clean = false, .expiry_s = 60});
  back.subscribe("kept/#", 1);
  CHECK(back.publishes().size() == 30);
  CHECK(longest(rig, Kind::retained_queued) < 2 * kListMax);
}

TEST_CASE("whatever clients do, no record names more than its bound") {
  constexpr std::size_t kPacketMax = 60;  // what of a packet, or a stored message, is in a record
  Limits limits = Monkey::limits();
  limits.record_list_bytes_max = 24;
  limits.subscriptions_per_session_max = 12;
  limits.queued_messages_max = 40;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    Monkey monkey(seed, limits);
    monkey.rig.check_mirror = false;
    for (int i = 0; i < 2000; ++i) monkey.step();
    for (const Logged& one : monkey.rig.log.records) {
      CAPTURE(static_cast<int>(one.kind));
      REQUIRE(one.body.size() <= kPacketMax + 2 * limits.record_list_bytes_max);
    }
    CHECK(monkey.rig.mirror->hash() == monkey.rig.state->hash());
  }
}
