// A CONNECT whose answer comes later, and rights that change while effects wait.
#include "tests/unit/clients/rig.h"

using namespace tandemq;
using namespace tandemq::broker;
using namespace tandemq::broker::test;

namespace {

// One who waits for the answer to its CONNECT.
struct Waiting {
  Rig rig;
  Peer* peer = nullptr;

  explicit Waiting(Version version = Version::v5) {
    rig.gate.later = true;
    peer = &rig.dial(version);
    peer->connect("c");
  }
};

// Everything but what begins with the prefix that is forbidden; empty: everything.
class Rules final : public core::Permissions {
 public:
  void forbid(const std::string& prefix) {
    prefix_ = prefix;
    ++revision_;
  }
  std::uint32_t revision() const override { return revision_; }
  core::GrantsRef decide(std::string_view, std::string_view, std::string_view) const override {
    return prefix_.empty() ? nullptr : std::make_shared<Rights>(prefix_);
  }

 private:
  class Rights final : public core::Grants {
   public:
    explicit Rights(std::string prefix) : prefix_(std::move(prefix)) {}
    bool may_publish(std::string_view) const override { return true; }
    bool may_subscribe(std::string_view) const override { return true; }

   private:
    bool may_receive_one(std::string_view topic) const override {
      return !topic.starts_with(prefix_);
    }
    std::string prefix_;
  };
  std::string prefix_;
  std::uint32_t revision_ = 1;
};

}  // namespace

TEST_CASE("a CONNECT waits for its answer, and what came with it is handled after") {
  Waiting w;
  w.peer->subscribe("t", 1);
  w.peer->ping();
  w.rig.settle();
  REQUIRE(w.rig.gate.open.size() == 1);
  CHECK(w.peer->take().empty());
  CHECK(w.rig.clients.counters().connects == 0);
  w.rig.gate.answer(Reason::success);
  CHECK(w.rig.clients.has_backlog());
  w.rig.settle();
  const std::vector<Got> got = w.peer->take();
  REQUIRE(got.size() == 3);
  CHECK(got[0].type == PacketType::connack);
  CHECK(got[1].type == PacketType::suback);
  CHECK(got[2].type == PacketType::pingresp);
  CHECK(w.rig.clients.counters().packets_received == 3);
  w.peer->ping();
  w.rig.settle();
  CHECK(w.peer->count(PacketType::pingresp) == 1);
}

TEST_CASE("a refusal that comes later") {
  for (const Version version : {Version::v5, Version::v311}) {
    Waiting w(version);
    w.peer->ping();
    w.rig.settle();
    w.rig.gate.answer(Reason::bad_username_or_password);
    w.rig.settle();
    const std::vector<Got> got = w.peer->take();
    REQUIRE(got.size() == 1);
    CHECK(got[0].type == PacketType::connack);
    CHECK(mqtt::is_error(got[0].reason));
    CHECK(w.peer->ended());
    CHECK(w.rig.clients.counters().refused_auth == 1);
  }
}

TEST_CASE("while it waits nothing more is read") {
  Waiting w;
  w.rig.settle();
  w.peer->raw(std::string(1 << 20, '\xff'));
  w.rig.settle();
  CHECK(w.peer->wire->to_broker.size() == 1 << 20);
  CHECK_FALSE(w.peer->ended());
}

TEST_CASE("who goes away while it waits is not asked about any more") {
  for (const bool reset : {false, true}) {
    Waiting w;
    w.rig.settle();
    reset ? w.peer->reset() : w.peer->close();
    w.rig.settle();
    CHECK(w.rig.gate.open.empty());
    CHECK(w.rig.gate.cancelled == 1);
    CHECK(w.rig.clients.size() == 0);
  }
}

TEST_CASE("who said everything at once and closed is served all the same") {
  Rig rig;
  Peer& reader = rig.connected("reader");
  reader.subscribe("t");
  rig.settle();
  reader.take();
  rig.gate.later = true;
  Peer& hasty = rig.dial();
  hasty.connect("c");
  hasty.publish("t", "last words");
  hasty.disconnect();
  hasty.close();
  rig.settle();
  REQUIRE(rig.gate.open.size() == 1);
  rig.gate.answer(Reason::success);
  rig.settle();
  CHECK(reader.count(PacketType::publish) == 1);
  CHECK(rig.clients.size() == 1);
}

TEST_CASE("the time to connect goes on while it waits") {
  Waiting w;
  w.rig.settle();
  w.rig.pass_seconds(8);
  CHECK(w.rig.gate.open.size() == 1);
  w.rig.pass_seconds(4);
  CHECK(w.rig.gate.cancelled == 1);
  const std::vector<Got> got = w.peer->take();
  REQUIRE(got.size() == 1);
  CHECK(got[0].reason == Reason::server_busy);
  CHECK(w.peer->ended());
}

TEST_CASE("a log-in behind a proxy has as much time as any") {
  Rig rig(100, true);
  rig.gate.later = true;
  Peer& peer = rig.dial();
  peer.connect("c");
  rig.settle();
  rig.pass_seconds(5);
  REQUIRE(rig.gate.open.size() == 1);
  CHECK(rig.gate.cancelled == 0);
  rig.gate.answer(Reason::success);
  rig.settle();
  CHECK(peer.count(PacketType::connack) == 1);
  CHECK_FALSE(peer.ended());
}

TEST_CASE("a reign that ends takes those who wait with it") {
  Waiting w;
  w.rig.settle();
  w.rig.end_reign();
  CHECK(w.rig.gate.cancelled == 1);
  w.rig.begin_reign();
  w.rig.settle();
  CHECK(w.peer->ended());
}

TEST_CASE("of two with one name the one that is answered last has the session") {
  Waiting w;
  w.rig.settle();
  Peer& second = w.rig.dial();
  second.connect("c");
  w.rig.settle();
  REQUIRE(w.rig.gate.open.size() == 2);
  w.rig.gate.answer(Reason::success);
  w.rig.gate.answer(Reason::success);
  w.rig.settle();
  CHECK(w.peer->ended());
  CHECK_FALSE(second.ended());
  CHECK(w.rig.clients.size() == 2);  // the first until it closes, too
}

TEST_CASE("what waits for its commit when a right is taken away is not sent") {
  for (const std::uint8_t qos : {std::uint8_t{1}, std::uint8_t{2}}) {
    CAPTURE(qos);
    Rules rules;
    Rig rig;
    rig.end_reign();
    rig.permissions = &rules;
    rig.begin_reign();
    Peer& reader = rig.connected("reader", {.clean = false, .expiry_s = 100});
    reader.subscribe("#", qos);
    rig.settle();
    reader.take();
    Peer& writer = rig.connected("writer");
    rig.commits = false;
    writer.publish("secret/1", "x", 2, 1);
    writer.publish("open/1", "x", 2, 2);
    rig.settle();
    CHECK(reader.take().empty());
    rules.forbid("secret/");
    rig.engine->rules_changed();
    rig.clients.rules_changed();
    rig.commits = true;
    rig.settle();
    const std::vector<Got> got = reader.take();
    REQUIRE(got.size() == 1);
    CHECK(got[0].topic == "open/1");
    CHECK(rig.counted.dropped_revoked == 1);
    CHECK(rig.state.figures().queued == 1);
  }
}
