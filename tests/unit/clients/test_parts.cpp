// The small parts of the data path: outbox, deadlines, table.
#include <doctest/doctest.h>

#include <random>
#include <set>

#include "broker/clients/deadlines.h"
#include "broker/clients/outbox.h"
#include "tests/support/memory_transport.h"

using namespace tandemq;
using namespace tandemq::broker;

namespace {

core::Effect effect(Lsn after, std::uint16_t packet_id) {
  core::Effect out;
  out.kind = core::EffectKind::puback;
  out.after = after;
  out.packet_id = packet_id;
  return out;
}

// A table whose clients are connected to nothing.
struct Table final : ClientTable, net::ChannelUser {
  Client& open() {
    return ClientTable::open(net.connect(std::make_shared<test::MemoryWire>()), *this, pool,
                             entrance, 0u);
  }
  void channel_readable(std::uint64_t) override {}
  void channel_writable(std::uint64_t) override {}
  void channel_lost(std::uint64_t) override {}

  test::MemoryNet net;
  net::ChannelPool pool;
  Entrance entrance;
};

}  // namespace

TEST_CASE("the outbox releases in order, up to the committed record") {
  Outbox outbox;
  core::Effects out;
  const auto take = [&out](core::Effect&& one) { out.push_back(std::move(one)); };
  for (std::uint16_t id = 1; id <= 1000; ++id) outbox.hold(effect(id / 10u, id));
  CHECK(outbox.size() == 1000);
  CHECK(outbox.last() == 100);
  outbox.release(0, take);
  CHECK(out.size() == 9);
  outbox.release(50, take);
  CHECK(out.size() == 509);
  for (std::uint16_t id = 1001; id <= 1400; ++id) outbox.hold(effect(200, id));
  outbox.release(1000, take);
  CHECK(outbox.empty());
  CHECK(outbox.bytes() == 0);
  REQUIRE(out.size() == 1400);
  for (std::uint16_t id = 1; id <= 1400; ++id) CHECK(out[id - 1u].packet_id == id);
}

TEST_CASE("what the outbox is given while it releases stays for the next time") {
  Outbox outbox;
  std::vector<std::uint16_t> out;
  for (std::uint16_t id = 1; id <= 300; ++id) outbox.hold(effect(1, id));
  const auto put_back = [&](core::Effect&& one) {
    out.push_back(one.packet_id);
    outbox.hold(effect(1, static_cast<std::uint16_t>(one.packet_id + 300)));
  };
  outbox.release(1, put_back);
  CHECK(out.size() == 300);
  CHECK(outbox.size() == 300);
  outbox.release(1, [&](core::Effect&& one) { out.push_back(one.packet_id); });
  REQUIRE(out.size() == 600);
  for (std::size_t i = 0; i < out.size(); ++i) CHECK(out[i] == i + 1);
}

TEST_CASE("the outbox counts payloads and forgets them") {
  Outbox outbox;
  core::Effect publish = effect(1, 1);
  core::MessageFields fields;
  fields.topic = "t";
  const std::string payload(1000, 'x');
  fields.payload = payload;
  publish.message = core::Message::create(fields);
  outbox.hold(std::move(publish));
  CHECK(outbox.bytes() > 1000);
  outbox.drop_all();
  CHECK(outbox.bytes() == 0);
}

TEST_CASE("a connection id is never used twice, and finds only its own connection") {
  Table table;
  std::set<core::ConnId> seen;
  const std::uint64_t seed = 20;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::vector<core::ConnId> open;
  for (int i = 0; i < 5000; ++i) {
    if (open.empty() || random() % 2 == 0) {
      const Client& client = table.open();
      CHECK(client.id != 0);
      CHECK(seen.insert(client.id).second);
      open.push_back(client.id);
    } else {
      std::swap(open[random() % open.size()], open.back());
      Client* client = table.find(open.back());
      REQUIRE(client);
      table.close(*client);
      CHECK_FALSE(table.find(open.back()));
      open.pop_back();
    }
    CHECK(table.size() == open.size());
  }
  CHECK_FALSE(table.find(0));
  CHECK_FALSE(table.find(~std::uint64_t{0}));
}

TEST_CASE("deadlines come in their second, the last one set counts") {
  Table table;
  Deadlines deadlines;
  Client& a = table.open();
  Client& b = table.open();
  std::vector<core::ConnId> due;
  const auto note = [&](Client& client) {
    due.push_back(client.id);
    return true;
  };
  deadlines.set(a, 5);
  deadlines.set(b, 3);
  deadlines.set(a, 2);
  deadlines.sweep(1, table, note);
  CHECK(due.empty());
  deadlines.sweep(2, table, note);
  CHECK(due == std::vector<core::ConnId>{a.id});
  deadlines.sweep(10, table, note);
  CHECK(due == std::vector<core::ConnId>{a.id, b.id});

  SUBCASE("a client that is gone is not looked at") {
    deadlines.set(a, 12);
    table.close(a);
    deadlines.sweep(20, table, note);
    CHECK(due.size() == 2);
  }
  SUBCASE("one beyond the wheel is looked at early") {
    deadlines.set(a, 10'000);
    deadlines.sweep(10 + 254, table, note);
    CHECK(due.size() == 2);
    deadlines.sweep(10 + 255, table, note);
    CHECK(due.size() == 3);
  }
  SUBCASE("what was enough goes on in the next call, in order") {
    deadlines.set(a, 12);
    deadlines.set(b, 12);
    const auto one = [&](const Client& client) {
      due.push_back(client.id);
      return false;
    };
    CHECK_FALSE(deadlines.sweep(15, table, one));
    CHECK(due.size() == 3);
    deadlines.set(a, 1);  // comes after the one that is left
    CHECK_FALSE(deadlines.sweep(15, table, one));
    CHECK_FALSE(deadlines.sweep(15, table, one));
    CHECK(deadlines.sweep(15, table, one));
    CHECK(due == std::vector<core::ConnId>{a.id, b.id, a.id, b.id, a.id});
  }
  SUBCASE("one in the past comes next") {
    deadlines.set(a, 1);
    deadlines.sweep(11, table, note);
    CHECK(due.size() == 3);
  }
}
