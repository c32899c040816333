// What one node says of itself or of its history, and the other must not take on trust.
#include <doctest/doctest.h>

#include "machine_case.h"

using namespace tandemq;
using namespace tandemq::repl;

namespace {

std::string encoded(const Message& message) {
  std::string bytes;
  encode(bytes, message);
  return bytes;
}

}  // namespace

TEST_CASE("a standby does not follow a reign that has ended, and forgets no epoch by it") {
  World w;
  w.pair_up();
  w.kill(w.a);
  w.order(w.b, event::Promote{});  // a second reign, of which the first primary has not heard
  w.finish_sync(w.b);
  w.kill(w.b);
  w.start(w.a);
  w.start(w.b);
  w.connect();
  REQUIRE(w.deliver(w.b));  // the Hello
  const Epoch seen = w.b.meta.epoch_seen;
  w.b.inbox.push_front(encoded(msg::Follow{seen - 1, w.a.last(), false, false, false}));
  w.deliver(w.b);
  CHECK_FALSE(w.b.status().peer_connected);
  CHECK(w.b.meta.epoch_seen == seen);
}

TEST_CASE(
    "a standby that was left behind is not in sync, though it claims it and lacks no commit") {
  World w;
  w.pair_up();
  w.cut();
  w.order(w.a, event::GoSolo{"test"});  // durable, and nothing committed alone yet
  REQUIRE(w.b.meta.in_sync);
  REQUIRE(w.a.replica->committed() <= w.b.last());
  w.connect();
  while (w.b.status().peer_connected == false && (w.deliver(w.a) || w.deliver(w.b))) {
  }
  while (w.deliver(w.a)) {
  }
  REQUIRE(w.deliver(w.b));  // the Follow
  CHECK_FALSE(w.b.meta.in_sync);
  w.settle();
  CHECK(w.a.status().pair_state == PairState::paired);
}

TEST_CASE("a snapshot that comes to nothing is tried again after ever longer pauses") {
  World w;
  w.leave_only_a_snapshot();
  const auto made = [&w] {
    long n = 0;
    for (const std::string& name : w.b.actions) n += name == "MakeSnapshot";
    return n;
  };
  long seen = 0;
  for (int ms = 0; ms < 60000; ms += 20) {
    w.tick(20);
    w.connect();
    while (w.deliver(w.a) || w.deliver(w.b)) {
    }
    if (std::exchange(seen, made()) != made()) w.cut();
  }
  CHECK(seen >= 5);
  CHECK(seen <= 8);
  for (int i = 0; i < 40; ++i) w.tick(1000), w.connect(), w.settle();
  CHECK(w.b.status().pair_state == PairState::paired);
}

TEST_CASE("a snapshot whose checksum at the end is another one is not installed") {
  World w;
  w.leave_only_a_snapshot();
  w.connect();
  const auto is_end = [](const std::string& bytes) {
    Message message;
    std::size_t size = 0;
    return decode(bytes, message, size) == WireRead::message &&
           std::holds_alternative<msg::SnapshotEnd>(message);
  };
  bool spoilt = false;
  for (int i = 0; i < 1000 && !spoilt; ++i) {
    if (!w.a.inbox.empty() && is_end(w.a.inbox.front())) {
      w.a.inbox.front() = encoded(msg::SnapshotEnd{0xdeadbeef});
      w.deliver(w.a);
      spoilt = true;
    } else if (!w.deliver(w.a) && !w.deliver(w.b) && !w.finish_sync(w.b) &&
               !w.finish_snapshot(w.b)) {
      w.tick();
      w.connect();
    }
  }
  REQUIRE(spoilt);
  CHECK(position(w.a, "InstallSnapshot", 0) < 0);
  CHECK_FALSE(w.a.status().peer_connected);
  w.settle();
  CHECK(w.b.status().pair_state == PairState::paired);
  CHECK(w.a.state == w.b.state);
}

TEST_CASE("the journal is kept from the record on that the peer needs next") {
  World w;
  w.pair_up();
  CHECK(w.a.replica->peer_needs_from() == w.b.last() + 1);
  w.cut();
  w.append(w.a, 3);
  CHECK(w.a.replica->peer_needs_from() == w.b.last() + 1);
}

// The agent counts a lease from that.
TEST_CASE("a connection that nobody speaks on is no sign of life") {
  World w;
  w.pair_up();
  for (int i = 0; i < 30; ++i) w.tick();
  const std::uint64_t silent = w.a.status().peer_silent_ms;
  REQUIRE(silent > 0);
  w.connect();
  w.tick();
  CHECK(w.a.status().peer_silent_ms > silent);
  for (int i = 0; i < 10; ++i) w.tick();
  CHECK(w.a.connected);  // it is given its time all the same
}
