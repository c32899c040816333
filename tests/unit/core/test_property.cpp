// Random commands: the standby that follows by encoded records is equal at every step (the rig
// checks), rows restore to an equal state, and what every queue must look like holds.
#include <set>

#include "tests/unit/core/monkey.h"

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
    const bool waits = row.stage == DeliveryStage::queued;
    CHECK((row.qos > 0 || waits));
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
  void account(const AccountFields& row) override { next_.account(row); }

 private:
  RowVisitor& next_;
  SessionRow session_;
  std::uint64_t sequence_ = 0;
  bool waiting_ = false;
  std::set<std::uint16_t> ids_;
  std::string filter_;
};

void check_rows(Rig& rig) {
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

}  // namespace

TEST_CASE("random commands keep primary, standby and rows equal") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Monkey monkey(seed);
    for (int i = 0; i < 1500; ++i) {
      monkey.step();
      if (i % 50 == 0) check_rows(monkey.rig);
    }
  }
}

TEST_CASE("they stay equal where all queues together are bounded and the oldest messages go") {
  std::uint64_t dropped = 0;
  for (std::uint64_t seed = 301; seed <= 320; ++seed) {
    CAPTURE(seed);
    Monkey monkey(seed, Monkey::tight_limits());
    for (int i = 0; i < 1500; ++i) {
      monkey.step();
      if (i % 50 == 0) check_rows(monkey.rig);
    }
    dropped += monkey.rig.counters.dropped_queue_full;
  }
  CHECK(dropped > 100);
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

TEST_CASE("damaged records are refused or applied, but break nothing") {
  std::size_t refused = 0, applied = 0;
  for (std::uint64_t seed = 201; seed <= 210; ++seed) {
    CAPTURE(seed);
    Monkey monkey(seed);
    for (int i = 0; i < 600; ++i) monkey.step();
    std::mt19937_64 random(seed);
    State state;
    for (Logged one : monkey.rig.log.records) {
      if (random() % 4 == 0) one.body[random() % one.body.size()] = static_cast<char>(random() % 8);
      if (random() % 50 == 0) continue;
      Status status = state.apply_encoded(one.lsn, one.kind, one.body);
      ++(status ? applied : refused);
    }
    State restored(3);
    CheckingVisitor visitor(restored.restorer());
    state.each_row(visitor);
    CHECK(restored.hash() == state.hash());
  }
  CHECK(refused > 500);
  CHECK(applied > 500);
}
