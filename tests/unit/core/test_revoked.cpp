// Rights that are taken away: asked at delivery, whatever was queued or sent before.
#include <doctest/doctest.h>

#include <map>

#include "tests/unit/core/rig.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;

namespace {

// What each user may receive: the topics that begin with one of his prefixes. Can be changed.
class Book final : public Permissions {
 public:
  void allow(const std::string& user, const std::string& prefix) {
    prefixes_.insert_or_assign(user, prefix);
  }
  void change() { ++revision_; }
  mutable std::size_t decided = 0;
  mutable std::string listener;

  std::uint32_t revision() const override { return revision_; }
  GrantsRef decide(std::string_view by, std::string_view, std::string_view user) const override {
    ++decided;
    listener = by;
    const auto found = prefixes_.find(user);
    return found == prefixes_.end() ? nullptr : std::make_shared<Rights>(found->second);
  }

 private:
  class Rights final : public Grants {
   public:
    explicit Rights(std::string prefix) : prefix_(std::move(prefix)) {}
    bool may_publish(std::string_view topic) const override { return topic.starts_with(prefix_); }
    bool may_subscribe(std::string_view) const override { return true; }

   private:
    bool may_receive_one(std::string_view topic) const override {
      return topic.starts_with(prefix_);
    }
    std::string prefix_;
  };
  std::map<std::string, std::string, std::less<>> prefixes_;
  std::uint32_t revision_ = 1;
};

const std::string user = "u";

struct Case {
  Book book;
  Rig rig{{}, &book};

  // From now on the user "u" may receive only what begins with `prefix`.
  void restrict_to(const std::string& prefix) {
    book.allow(user, prefix);
    book.change();
    rig.engine->rules_changed();
  }
  Client& connect(ConnectOptions options = {}) {
    options.username = user;
    options.expiry_s = 1000;
    options.clean = false;
    return rig.connect("c", options);
  }
  std::uint64_t revoked() { return rig.counters.dropped_revoked; }
};

}  // namespace

TEST_CASE("what was queued before the right was taken away is dropped and counted") {
  Case t;
  t.connect().subscribe("#", 1);
  t.rig.clients.begin()->second->drop();
  Client& p = t.rig.connect("p");
  for (const char* topic : {"a/1", "b/1", "a/2", "b/2"}) p.publish(topic, topic, {.qos = 1});
  CHECK(t.rig.state->figures().queued == 4);
  t.restrict_to("a/");
  Client& c = t.connect();
  CHECK(c.payloads() == "a/1 a/2");
  CHECK(t.revoked() == 2);
  CHECK(t.rig.state->figures().queued == 2);
}

TEST_CASE("what waits for room in the window is asked about when there is room") {
  Case t;
  Client& c = t.connect({.receive_maximum = 1});
  c.subscribe("#", 1);
  Client& p = t.rig.connect("p");
  for (const char* topic : {"a/1", "b/1", "a/2"}) p.publish(topic, topic, {.qos = 1});
  CHECK(c.payloads() == "a/1");
  t.restrict_to("a/");
  c.puback(c.publishes()[0].packet_id);
  CHECK(c.payloads() == "a/1 a/2");
  CHECK(t.revoked() == 1);
}

TEST_CASE("what was in flight when the connection was lost is not sent again") {
  for (const std::uint8_t qos : {std::uint8_t{1}, std::uint8_t{2}}) {
    CAPTURE(qos);
    Case t;
    Client& before = t.connect();
    before.subscribe("#", qos);
    Client& p = t.rig.connect("p");
    p.publish("b/1", "b/1", {.qos = 2, .packet_id = 1});
    p.publish("a/1", "a/1", {.qos = 2, .packet_id = 2});
    const std::uint16_t id = before.publishes().at(0).packet_id;
    before.drop();
    t.restrict_to("a/");
    Client& c = t.connect();
    CHECK(c.payloads() == "a/1");
    CHECK(t.revoked() == 1);
    if (qos == 1) continue;
    // The client may have the message: it is led to the end of the exchange, so that it knows the
    // next one under this identifier for another.
    const auto pubrels = c.of(EffectKind::pubrel);
    REQUIRE(pubrels.size() == 1);
    CHECK(pubrels[0].packet_id == id);
    c.pubcomp(id);
    CHECK(t.rig.state->figures().queued == 1);
  }
}

TEST_CASE("a delivery that the shell did not send is withdrawn, and the next takes its place") {
  Case t;
  Client& c = t.connect({.receive_maximum = 1});
  c.subscribe("#", 2);
  Client& p = t.rig.connect("p");
  p.publish("b/1", "b/1", {.qos = 2, .packet_id = 1});
  p.publish("a/1", "a/1", {.qos = 2, .packet_id = 2});
  t.restrict_to("a/");
  const SeatId seat = c.origin.seat;
  CHECK_FALSE(t.rig.engine->may_deliver(seat, "b/1"));
  CHECK(t.rig.engine->may_deliver(seat, "a/1"));
  t.rig.engine->withdraw(c.origin, c.publishes().at(0).packet_id, false, t.rig.now, t.rig.out);
  t.rig.settle();
  CHECK(c.payloads() == "b/1 a/1");
  CHECK(t.revoked() == 1);
  t.rig.engine->withdraw(c.origin, 999, false, t.rig.now, t.rig.out);
  CHECK(t.revoked() == 1);
}

TEST_CASE("retained messages go by the rights of now") {
  Case t;
  Client& p = t.rig.connect("p");
  for (const char* topic : {"a/1", "b/1"}) p.publish(topic, topic, {.qos = 1, .retain = true});
  Client& c = t.connect();
  t.restrict_to("a/");
  c.subscribe("#", 1);
  CHECK(c.payloads() == "a/1");
}

TEST_CASE("rights are decided once, again when rules change or the client comes anew") {
  Case t;
  t.book.allow("u", "a/");
  Client& c = t.connect({.listener = "inside"});
  c.subscribe("#", 0);
  Client& p = t.rig.connect("p");
  const std::size_t before = t.book.decided;
  for (int i = 0; i < 5; ++i) p.publish("a/1", "x");
  CHECK(t.book.decided == before + 1);  // the publisher's
  CHECK(c.publishes().size() == 5);
  t.restrict_to("b/");
  p.publish("a/1", "x");
  CHECK(c.publishes().size() == 5);
  CHECK(t.book.decided == before + 3);
  CHECK(t.book.listener == "inside");
}

TEST_CASE("after a failover an absent client has the rights of the listener it came in by") {
  Case t;
  t.connect({.listener = "inside"}).subscribe("#", 1);
  t.rig.fail_over();
  t.book.allow("u", "a/");
  Client& p = t.rig.connect("p");
  p.publish("a/1", "a/1", {.qos = 1});
  p.publish("b/1", "b/1", {.qos = 1});
  CHECK(t.book.listener == "inside");
  CHECK(t.connect({.listener = "inside"}).payloads() == "a/1");
  CHECK(t.revoked() == 0);
}

TEST_CASE("after a failover a will is judged by the rules of the listener its client came in by") {
  Case t;
  mqtt::Will will;
  will.topic = "b/gone";
  t.connect({.will = &will, .listener = "inside"});
  t.rig.fail_over();
  Client& p = t.rig.connect("p");
  p.subscribe("#", 0);
  t.book.allow("u", "a/");
  t.rig.now += 1'000'000;
  t.rig.expire();
  CHECK(t.book.listener == "inside");
  CHECK(p.publishes().empty());
  CHECK(t.rig.counters.refused_not_authorized == 1);
}

TEST_CASE("what a log-in may do holds beside the rules, and for what is queued behind it") {
  Case t;
  Book tokens;
  tokens.allow(user, "a/b");
  t.restrict_to("a");
  Client& writer = t.rig.connect("w");
  const auto publish_all = [&] {
    for (const char* topic : {"a/b", "a/c", "x"})
      writer.publish(topic, topic, {.qos = 1, .packet_id = 1});
  };
  Client* reader = &t.connect({.grants = tokens.decide("", "", user)});
  reader->subscribe("#", 0);
  reader->subscribe("a/+", 1);
  publish_all();
  CHECK(reader->payloads() == "a/b");
  t.book.change();
  t.rig.engine->rules_changed();
  publish_all();
  CHECK(reader->payloads() == "a/b a/b");
  reader->drop();
  publish_all();
  reader = &t.connect({.grants = tokens.decide("", "", user)});
  reader->clear();
  publish_all();
  CHECK(reader->payloads() == "a/b");
  reader->drop();
  reader = &t.connect();
  reader->clear();
  publish_all();
  CHECK(reader->payloads() == "a/b a/c");
}
