#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

#include "replicator/core/replica.h"

using namespace tandemq;
using namespace tandemq::repl;

namespace {

constexpr Epoch kReign = make_epoch(1, 1);

bool drops_link(const Output& out) {
  return std::any_of(out.actions.begin(), out.actions.end(), [](const Action& action) {
    return std::holds_alternative<action::DropLink>(action);
  });
}

// A primary that went on alone, with 100 records, and a standby that has got 20 of them.
std::unique_ptr<Replica> resyncing_primary() {
  ReplicaConfig config;
  config.node_name = "a";
  config.pair_id = "pair";
  config.known = config.baseline = features_with({{kFirstUserKind, 1}}, 1);
  auto made = std::make_unique<Replica>(config);
  Replica& replica = *made;
  Meta meta;
  meta.pair_id = "pair";
  meta.node_index = 1;
  meta.epoch_seen = kReign;
  meta.in_sync = true;
  meta.peer_in_sync = false;
  meta.history = {{kReign, 1}};
  Output out;
  replica.step({event::Started{meta, 1, 100, 100}, 0}, out);
  replica.step({event::Promote{}, 0}, out);
  REQUIRE(replica.role() == Role::primary);
  replica.step({event::Written{replica.last()}, 0}, out);
  replica.step({event::Synced{replica.last()}, 0}, out);
  replica.step({event::LinkUp{}, 0}, out);
  msg::Hello hello;
  hello.pair_id = "pair";
  hello.known = config.known;
  hello.node_index = 2;
  hello.node_name = "b";
  hello.epoch_seen = kReign;
  hello.first = 1;
  hello.last = 10;
  hello.history = meta.history;
  const Message message = hello;
  out.clear();
  replica.step({event::Received{&message}, 0}, out);
  REQUIRE(std::any_of(out.actions.begin(), out.actions.end(), [](const Action& action) {
    return std::holds_alternative<action::SendRecords>(action);
  }));
  replica.step({event::RecordsSent{20, 1000}, 0}, out);
  return made;
}

}  // namespace

TEST_CASE("a standby whose next records left the journal gets a snapshot instead of silence") {
  const auto made = resyncing_primary();
  Replica& replica = *made;
  Output out;
  replica.step({event::JournalTrimmed{20}, 1}, out);
  CHECK_FALSE(drops_link(out));
  out.clear();
  replica.step({event::JournalTrimmed{50}, 1}, out);
  CHECK(drops_link(out));
  CHECK(check_invariants(replica));
}
