#include "tests/unit/core/rig.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;

namespace {

// A will on topic "w", a watcher of it, and clients that have the will.
struct Wills {
  Wills() : watcher(rig.connect("watcher")) {
    will.topic = "w";
    will.payload = "gone";
    will.qos = 1;
    will.properties.forward = std::string_view("\x26\0\x01k\0\x01v", 7);
    watcher.subscribe("w", 2);
  }
  Client& connect(std::uint32_t expiry_s, bool clean = true, Version version = Version::v5) {
    return rig.connect("c", {.version = version,
                             .clean = clean,
                             .expiry_s = expiry_s,
                             .keep_alive_s = 10,
                             .will = &will});
  }
  std::size_t seen() { return watcher.publishes().size(); }
  void pass(TimeMs ms) {
    rig.now += ms;
    rig.expire();
  }

  Rig rig;
  mqtt::Will will;
  Client& watcher;
};

}  // namespace

TEST_CASE(
    "a will is published once when the connection is lost, as it was given [5:3.1.3-10 5:3.1.2-7 "
    "5:3.1.2-8 5:3.1.2-10 "
    "3:3.1.2-8 3:3.1.2-10 5:u3.1.2.5-1]") {
  for (Version version : {Version::v5, Version::v311}) {
    Wills t;
    Client& c = t.connect(version == Version::v5 ? 60 : 0, version == Version::v311, version);
    CHECK_FALSE(is_volatile(c.origin.seat));
    c.drop();
    REQUIRE(t.seen() == 1);
    CHECK(t.watcher.last().message->payload() == "gone");
    CHECK(t.watcher.last().message->properties() == t.will.properties.forward);
    CHECK(t.watcher.last().qos == 1);
    CHECK_FALSE(t.watcher.last().retain);
    t.pass(100'000);
    CHECK(t.seen() == 1);
    CHECK(t.rig.state->figures().sessions == 1);  // the watcher
  }
}

TEST_CASE("a will that leaves with QoS 0 waits until it is settled") {
  Wills t;
  Client& sees = t.rig.connect("sees");
  sees.subscribe("w", 0);
  t.connect(60).drop();
  REQUIRE(sees.publishes().size() == 1);
  CHECK(sees.last().after == t.rig.log.last);
}

TEST_CASE("DISCONNECT 0x00 drops the will, 0x04 keeps it [5:3.14.4-3 3:3.14.4-3 5:u3.14.4-1]") {
  Wills t;
  t.connect(60).disconnect();
  t.pass(100'000);
  CHECK(t.seen() == 0);
  t.connect(60).disconnect(Reason::disconnect_with_will);
  CHECK(t.seen() == 1);
  t.connect(60, true, Version::v311).disconnect();
  CHECK(t.seen() == 1);
}

TEST_CASE("a will waits for its delay or the end of the session, whichever is first [5:3.1.2-8]") {
  Wills t;
  t.will.delay_s = 5;
  t.connect(60).drop();
  t.pass(4'999);
  CHECK(t.seen() == 0);
  t.pass(1);
  CHECK(t.seen() == 1);
  t.connect(3).drop();
  t.pass(2'999);
  CHECK(t.seen() == 1);
  t.pass(1);
  CHECK(t.seen() == 2);
  CHECK(t.rig.state->figures().sessions == 1);
  t.connect(0).drop();  // the session ends with the connection
  CHECK(t.seen() == 3);
}

TEST_CASE("a client that is back before the delay has no will published [5:3.1.3-9 5:3.1.2-8]") {
  for (bool clean : {false, true}) {
    Wills t;
    t.will.delay_s = 5;
    t.connect(60, false).drop();
    t.pass(4'000);
    t.rig.connect("c", {.clean = clean, .expiry_s = 60});
    t.pass(100'000);
    CHECK(t.seen() == 0);
  }
}

TEST_CASE("the will at a take-over [5:u3.1.4-3]") {
  struct Case {
    std::uint32_t delay_s, expiry_s;
    bool clean;
    std::size_t published;
  };
  for (const Case& c : {Case{0, 60, false, 1}, Case{0, 60, true, 1}, Case{5, 60, false, 0},
                        Case{5, 60, true, 1}, Case{5, 0, false, 1}}) {
    Wills t;
    t.will.delay_s = c.delay_s;
    t.connect(c.expiry_s);
    t.rig.connect("c", {.clean = c.clean, .expiry_s = 60});
    t.pass(100'000);
    CAPTURE(c.delay_s);
    CAPTURE(c.clean);
    CHECK(t.seen() == c.published);
  }
}

TEST_CASE(
    "a will with RETAIN is kept, without is not [5:3.1.2-14 5:3.1.2-15 3:3.1.2-16 3:3.1.2-17]") {
  Wills t;
  t.connect(60).drop();
  CHECK(t.rig.state->figures().retained == 0);
  t.will.retain = true;
  t.connect(60).drop();
  CHECK(t.rig.state->figures().retained == 1);
}

TEST_CASE("a will's message expiry starts when it is published [5:u3.1.3.2.4-1]") {
  Wills t;
  t.will.delay_s = 5;
  t.will.properties.has_message_expiry = true;
  t.will.properties.message_expiry_s = 2;
  t.connect(60).drop();
  t.pass(5'000);
  REQUIRE(t.seen() == 1);
  CHECK(t.watcher.last().message->expires_at() == t.rig.now + 2'000);
}

TEST_CASE("a connection without will leaves none behind [3:3.1.2-12]") {
  Wills t;
  t.connect(60, false);
  t.rig.connect("c", {.clean = false, .expiry_s = 60}).drop();
  CHECK(t.seen() == 1);  // of the first connection, taken over; none of the second
}

TEST_CASE("a will on the broker's own topics is settled, not published") {
  Wills t;
  t.will.topic = "$SYS/x";
  t.will.retain = true;
  t.connect(60).drop();
  CHECK(t.rig.records(Kind::will_settled) == 1);
  CHECK(t.rig.state->figures().retained == 0);
}

TEST_CASE(
    "after a failover a will waits for the keep-alive grace, and is dropped when the client is "
    "back") {
  Wills t;
  t.connect(60, false);
  t.rig.fail_over();
  Client& watcher = t.rig.connect("watcher");
  watcher.subscribe("w", 2);
  t.pass(14'999);
  CHECK(watcher.publishes().empty());
  t.rig.connect("c", {.clean = false, .expiry_s = 60});
  t.pass(100'000);
  CHECK(watcher.publishes().empty());

  // One that does not come back: 1.5 times the keep alive of 10 s.
  t.connect(60, false);
  t.rig.fail_over();
  Client& second = t.rig.connect("watcher");
  second.subscribe("w", 2);
  t.pass(14'999);
  CHECK(second.publishes().empty());
  t.pass(1);
  CHECK(second.publishes().size() == 1);
}

TEST_CASE("a clean start in the grace after a failover drops the will, too") {
  Wills t;
  t.connect(0);
  t.rig.fail_over();
  Client& watcher = t.rig.connect("watcher");
  watcher.subscribe("w", 2);
  CHECK(t.rig.engine->reign_figures().sessions_before == 1);
  CHECK(t.rig.engine->reign_figures().sessions_back == 0);
  t.pass(10'000);
  CHECK(t.rig.state->figures().sessions == 2);  // kept by the grace, without expiry
  t.rig.connect("c");
  CHECK(t.rig.engine->reign_figures().sessions_back == 1);
  t.pass(100'000);
  CHECK(watcher.publishes().empty());
}

TEST_CASE("a session whose client stays away ends after the grace, its will published") {
  Wills t;
  t.connect(0);
  t.rig.fail_over();
  Client& watcher = t.rig.connect("watcher");
  watcher.subscribe("w", 2);
  t.pass(15'000);
  CHECK(watcher.publishes().size() == 1);
  CHECK(t.rig.state->figures().sessions == 1);
}

TEST_CASE("without keep alive the grace is a minute") {
  Wills t;
  t.rig.connect("c", {.expiry_s = 600, .keep_alive_s = 0, .will = &t.will});
  t.rig.fail_over();
  Client& watcher = t.rig.connect("watcher");
  watcher.subscribe("w", 2);
  t.pass(59'999);
  CHECK(watcher.publishes().empty());
  t.pass(1);
  CHECK(watcher.publishes().size() == 1);
}
