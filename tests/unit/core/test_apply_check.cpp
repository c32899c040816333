// Records from outside that do not fit the state are refused and change nothing.
#include "tests/unit/core/rig.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;

namespace {

bool refused(State& state, const Record& record) {
  std::string body;
  encode_record(body, record);
  const std::uint64_t before = state.hash();
  Status status = state.apply_encoded(state.meta().lsn + 1, kind_of(record), body);
  if (!status) {
    CHECK(status.error().message.find("record ") == 0);
    CHECK(state.hash() == before);
  }
  return !status;
}

}  // namespace

TEST_CASE("records that do not fit are refused") {
  Rig rig;
  Client& c = rig.connect("c", {.expiry_s = 600, .receive_maximum = 1});
  c.subscribe("t", 2);
  Client& pub = rig.connect("p", {.expiry_s = 600});
  pub.publish("t", "1", {.qos = 2, .packet_id = 1});
  pub.publish("t", "2", {.qos = 2, .packet_id = 2});
  pub.publish("r", "kept", {.qos = 1, .retain = true});
  const SessionId id = c.origin.seat;
  const std::uint16_t used = c.publishes()[0].packet_id;
  const SessionId none = 4711;
  State& s = *rig.mirror;
  const MessageRef message = Message::create({"t", "x", "", 1, false, 0});
  auto published = [&](Target target) {
    return Published{1, kNoSession, 0, false, RetainAction::none, message, {target}};
  };
  CHECK(refused(s, SessionOpened{none, 1, true, 5, 0, 0, "c", "", "", false, {}}));
  CHECK(refused(s, SessionOpened{id, 1, false, 5, 0, 0, "new", "", "", false, {}}));
  CHECK(refused(s, SessionOpened{none, 1, false, 5, 0, 0, "c", "", "", false, {}}));
  CHECK(refused(s, SessionOpened{kVolatileBit | 5, 1, false, 5, 0, 0, "n", "", "", false, {}}));
  CHECK(refused(s, SessionClosed{none, 1, 0, false}));
  CHECK(refused(s, SessionRemoved{none}));
  CHECK(refused(s, Subscribed{none, {}}));
  CHECK(refused(s, Unsubscribed{none, {}}));
  CHECK(refused(s, published({none, 0, 1, false, {}})));
  CHECK(refused(s, published({id, 99, 0, false, {}})));  // QoS 0 is never in flight
  CHECK(refused(s, published({id, used, 1, false, {}})));
  CHECK(refused(s, published({id, 99, 1, false, {}})));  // past the one that waits
  CHECK(refused(s, Published{1, id, 0, true, RetainAction::none, message, {}}));
  CHECK(refused(s, Published{1, kNoSession, 0, true, RetainAction::none, message, {}}));
  CHECK(refused(s, Published{1, kNoSession, 5, false, RetainAction::none, message, {}}));
  CHECK(refused(s, Published{1, none, 5, false, RetainAction::none, message, {}}));
  CHECK(refused(s, RetainedQueued{id, {{"absent", {id, 0, 1, false, {}}}}}));
  CHECK(refused(s, RetainedQueued{id, {{"r", {id, 9, 1, false, {}}}}}));
  CHECK(refused(s, Sent{id, {7, 8}}));
  CHECK(refused(s, Sent{id, {used}}));
  CHECK(refused(s, Sent{id, {0}}));
  CHECK(refused(s, Acked{id, 99}));
  CHECK(refused(s, Received{id, 99}));
  CHECK(refused(s, Completed{id, 99}));
  CHECK(refused(s, Released{pub.origin.seat, 9}));
  CHECK(refused(s, Dropped{id, {1}}));  // in flight
  CHECK(refused(s, Dropped{id, {2, 2}}));
  CHECK(refused(s, RetainedExpired{"absent"}));
  CHECK(refused(s, WillSettled{none}));
  CHECK(refused(s, WillSettled{id}));
  CHECK_FALSE(refused(s, Dropped{id, {2}}));
  auto copies = [&](std::uint16_t first, std::uint16_t second) {
    return Published{1,
                     kNoSession,
                     0,
                     false,
                     RetainAction::none,
                     message,
                     {{id, first, 1, false, {}}, {id, second, 1, false, {}}}};
  };
  CHECK(refused(s, copies(50, 50)));
  CHECK(refused(s, copies(0, 50)));
  CHECK(
      refused(s, RetainedQueued{id, {{"r", {id, 9, 1, false, {}}}, {"r", {id, 9, 1, false, {}}}}}));
  CHECK_FALSE(refused(s, copies(50, 0)));
  CHECK_FALSE(refused(s, published({id, 0, 1, false, {}})));
  CHECK(refused(s, Sent{id, {60, 60}}));
  CHECK_FALSE(refused(s, Sent{id, {65535, 2}}));
}

TEST_CASE("an answer to several identifiers fits as a whole or not at all") {
  Rig rig;
  Client& c = rig.connect("c", {.expiry_s = 600});
  c.subscribe("t", 2);
  Client& pub = rig.connect("p", {.expiry_s = 600});
  for (std::uint16_t id = 1; id <= 3; ++id) pub.publish("t", "x", {.qos = 2, .packet_id = id});
  const SessionId to = c.origin.seat, from = pub.origin.seat;
  State& s = *rig.mirror;
  const auto id = [&](std::size_t i) { return c.publishes()[i].packet_id; };
  const auto more = [](std::initializer_list<std::uint16_t> ids) {
    std::string bytes;
    for (std::uint16_t one : ids) put_le(bytes, one);
    return bytes;
  };
  const std::string twice = more({id(1), id(1)}), first = more({id(0)}), unknown = more({99});
  const std::string rest = more({id(1), id(2)}), second = more({2, 3});
  for (const std::string& bad : {twice, first, unknown}) {
    CHECK(refused(s, Acked{to, id(0), bad}));
    CHECK(refused(s, Received{to, id(0), bad}));
    CHECK(refused(s, Completed{to, id(0), bad}));
    CHECK(refused(s, Released{from, 1, bad}));
  }
  CHECK_FALSE(refused(s, Received{to, id(0), rest}));
  CHECK(refused(s, Received{to, id(0), rest}));
  CHECK_FALSE(refused(s, Completed{to, id(0), rest}));
  CHECK_FALSE(refused(s, Released{from, 1, second}));
  CHECK(s.figures().queued == 0);
}

TEST_CASE("the replicator's own kinds only move the LSN, unknown ones are errors") {
  State state;
  CHECK(state.apply_encoded(7, static_cast<Kind>(2), "anything"));
  CHECK(state.meta().lsn == 7);
  Status unknown = state.apply_encoded(8, static_cast<Kind>(99), "");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message.find("record 8 (kind 99)") == 0);
  CHECK(state.meta().lsn == 7);
}

TEST_CASE("clear forgets everything and the state can be filled again") {
  Rig rig;
  rig.connect("c", {.expiry_s = 600}).subscribe("t/+", 1);
  Client& p = rig.connect("p");
  p.publish("t/1", "x", {.qos = 1, .retain = true, .expiry_s = 9});
  State copy;
  rig.state->each_row(copy.restorer());
  copy.clear();
  CHECK(copy.hash() == State().hash());
  CHECK(copy.figures().sessions == 0);
  rig.state->each_row(copy.restorer());
  CHECK(copy.hash() == rig.state->hash());
}
