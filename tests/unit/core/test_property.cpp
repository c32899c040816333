// Random commands: the standby that follows by encoded records is equal at every step (the rig
// checks), rows restore to an equal state, and what every queue must look like holds.
#include <random>
#include <set>

#include "tests/unit/core/rig.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;

namespace {

// Checks rows as they pass, and passes them on.
class CheckingVisitor final : public RowVisitor {
 public:
  explicit CheckingVisitor(RowVisitor& next) : next_(next) {}
  void meta(const MetaRow& row) override { next_.meta(row); }
  void session(const SessionRow& row) override {
    CHECK_FALSE(is_volatile(row.session));
    CHECK(row.session > session_.session);
    CHECK((row.closed_at == 0) == row.connected);
    session_ = row;
    sequence_ = 0;
    waiting_ = false;
    ids_.clear();
    filter_.clear();
    next_.session(row);
  }
  void subscription(const SubscriptionRow& row) override {
    CHECK(row.session == session_.session);
    CHECK(filter_ < row.fields.filter);
    filter_ = row.fields.filter;
    next_.subscription(row);
  }
  void delivery(const DeliveryRow& row) override {
    CHECK(row.session == session_.session);
    CHECK(row.sequence > sequence_);
    CHECK(row.sequence < session_.next_sequence);
    sequence_ = row.sequence;
    CHECK(row.qos > 0);
    const bool waits = row.stage == DeliveryStage::queued;
    CHECK((row.packet_id == 0) == waits);
    CHECK_FALSE((waiting_ && !waits));  // in flight before waiting, always
    waiting_ = waits;
    if (!waits) CHECK(ids_.insert(row.packet_id).second);
    CHECK((row.stage == DeliveryStage::received) == !row.message);
    next_.delivery(row);
  }
  void inbound(const InboundRow& row) override { next_.inbound(row); }
  void retained(const RetainedRow& row) override {
    CHECK_FALSE(row.message->payload().empty());
    next_.retained(row);
  }

 private:
  RowVisitor& next_;
  SessionRow session_;
  std::uint64_t sequence_ = 0;
  bool waiting_ = false;
  std::set<std::uint16_t> ids_;
  std::string filter_;
};

struct Monkey {
  explicit Monkey(std::uint64_t seed) : random(seed), rig(limits()) {}

  static Limits limits() {
    Limits limits;
    limits.inflight_maximum = 4;
    limits.queued_messages_max = 6;
    limits.receive_maximum = 3;
    limits.subscriptions_per_session_max = 5;
    limits.retained_messages_max = 6;
    return limits;
  }
  std::size_t roll(std::size_t n) { return random() % n; }
  template <class T>
  const T& one_of(const std::vector<T>& items) {
    return items[roll(items.size())];
  }

  void connect() {
    const std::string id = "c" + std::to_string(roll(6));
    mqtt::Will will;
    const std::string topic = one_of(topics);
    will.topic = topic;
    will.payload = "will";
    will.qos = static_cast<std::uint8_t>(roll(3));
    will.retain = roll(2) == 0;
    will.delay_s = static_cast<std::uint32_t>(roll(3));
    ConnectOptions o;
    o.version = roll(2) ? Version::v5 : Version::v311;
    o.clean = roll(3) == 0;
    o.expiry_s = static_cast<std::uint32_t>(roll(4) * 2);
    o.keep_alive_s = static_cast<std::uint16_t>(roll(4));
    o.receive_maximum = static_cast<std::uint16_t>(1 + roll(6));
    if (roll(5) == 0) o.maximum_packet_size = static_cast<std::uint32_t>(20 + roll(30));
    if (roll(4) == 0) o.will = &will;
    Client& client = rig.connect(id, o);
    if (client.origin.session != kNoSession) live.push_back(&client);
  }

  // Answers the oldest packet that wants an answer, most of the time rightly.
  void answer(Client& client) {
    if (client.got.empty()) return;
    const Effect effect = client.got.front();
    client.got.erase(client.got.begin());
    const std::uint16_t id = effect.packet_id;
    const Reason reason = roll(20) == 0 ? Reason::quota_exceeded : Reason::success;
    switch (effect.kind) {
      case EffectKind::publish:
        if (effect.qos == 1) client.puback(id, reason);
        if (effect.qos == 2) client.pubrec(id, reason);
        break;
      case EffectKind::pubrec:
        if (!mqtt::is_error(effect.reason)) client.pubrel(id);
        break;
      case EffectKind::pubrel:
        client.pubcomp(id);
        break;
      case EffectKind::disconnect:
      case EffectKind::close:
        forget(client, roll(2) == 0);
        break;
      default:
        break;
    }
  }
  void forget(Client& client, bool tell) {
    std::erase(live, &client);
    if (tell) client.drop();
  }

  void act(Client& client) {
    const std::uint8_t qos = static_cast<std::uint8_t>(roll(3));
    switch (roll(12)) {
      case 0: {
        mqtt::SubscribeFilter filter{one_of(filters), qos, false, roll(2) == 0,
                                     static_cast<std::uint8_t>(roll(3))};
        filter.no_local = !filter.filter.starts_with("$share") && roll(3) == 0;
        client.subscribe(filter, static_cast<std::uint32_t>(roll(3)));
        break;
      }
      case 1:
        client.unsubscribe(one_of(filters));
        break;
      case 2:
        if (client.disconnect(roll(2) ? Reason::success : Reason::disconnect_with_will,
                              static_cast<std::int64_t>(roll(4)) - 1))
          forget(client, false);
        break;
      case 3:
        forget(client, true);
        break;
      case 4:
        client.pubrec(static_cast<std::uint16_t>(roll(9)));
        break;
      case 5:
        client.pubrel(static_cast<std::uint16_t>(roll(9)));
        break;
      default: {
        PublishOptions o;
        o.qos = qos;
        o.retain = roll(4) == 0;
        o.packet_id = static_cast<std::uint16_t>(qos == 0 ? 0 : 1 + roll(8));
        if (roll(4) == 0) o.expiry_s = static_cast<std::int64_t>(roll(4));
        client.publish(one_of(topics), roll(4) ? "payload" : "", o);
      }
    }
  }

  void step() {
    rig.now += roll(400);
    const std::size_t what = roll(100);
    if (what == 0) {
      rig.fail_over();
      live.clear();
    } else if (what < 8 || live.empty()) {
      connect();
    } else if (what < 15) {
      rig.expire();
    } else if (what < 55) {
      answer(*one_of(live));
    } else {
      act(*one_of(live));
    }
  }

  void check_rows() {
    State restored(7);
    CheckingVisitor visitor(restored.restorer());
    rig.state->each_row(visitor);
    CHECK(restored.hash() == rig.state->hash());
    // Twice, to see that the order of rows does not depend on how a state came about.
    State again(8);
    CheckingVisitor second(again.restorer());
    restored.each_row(second);
    CHECK(again.hash() == rig.state->hash());
    const StateFigures mine = rig.mirror->figures(), its = restored.figures();
    CHECK(mine.queued == its.queued);
    CHECK(mine.queued_bytes == its.queued_bytes);
    CHECK(mine.retained_bytes == its.retained_bytes);
    CHECK(mine.subscriptions == its.subscriptions);
    CHECK(mine.sessions_connected == its.sessions_connected);
  }

  const std::vector<std::string> topics{"a", "a/b", "a/c", "b", "b/b/b", "$x/a"};
  const std::vector<std::string> filters{"a",          "a/b",  "a/+",    "#",
                                         "+/b",        "a/#",  "b/b/b",  "$share/g/a/+",
                                         "$share/h/#", "$x/#", "bad/#/x"};
  std::mt19937_64 random;
  Rig rig;
  std::vector<Client*> live;
};

}  // namespace

TEST_CASE("random commands keep primary, standby and rows equal") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Monkey monkey(seed);
    for (int i = 0; i < 1500; ++i) {
      monkey.step();
      if (i % 50 == 0) monkey.check_rows();
    }
  }
}

TEST_CASE("a standby that becomes primary in place goes on like a fresh one") {
  for (std::uint64_t seed = 101; seed <= 110; ++seed) {
    CAPTURE(seed);
    Monkey monkey(seed);
    for (int i = 0; i < 500; ++i) monkey.step();
    monkey.rig.state->demote();
    CHECK(monkey.rig.state->hash() == monkey.rig.mirror->hash());
    CHECK(monkey.rig.state->figures().sessions == monkey.rig.mirror->figures().sessions);
    CHECK(monkey.rig.state->figures().queued == monkey.rig.mirror->figures().queued);
    CHECK(monkey.rig.state->figures().queued_bytes == monkey.rig.mirror->figures().queued_bytes);
  }
}
