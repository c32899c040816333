// The machine's transitions, one by one.
#include <doctest/doctest.h>

#include "machine_case.h"

using namespace tandemq;
using namespace tandemq::repl;

TEST_CASE("a standby that takes long to write down that it is in sync is waited for") {
  World w;
  w.tell_standby();
  w.append(w.a);                           // needs its confirmation
  for (int i = 0; i < 100; ++i) w.tick();  // a second: nothing comes, its loop stands still
  CHECK(w.a.status().peer_connected);
  CHECK(w.a.status().pair_state == PairState::resyncing);
  CHECK(w.b.status().peer_connected);
  SUBCASE("and then the pair is paired") {
    w.settle();
    CHECK(w.a.status().pair_state == PairState::paired);
    CHECK(w.a.replica->committed() == w.a.last());
  }
  SUBCASE("but not for ever") {
    for (int i = 0; i < 60; ++i) w.tick();
    CHECK(w.a.status().pair_state == PairState::waiting);
  }
}

TEST_CASE("two empty nodes are in sync once they have met, not before") {
  World w;
  w.start(w.a);
  w.start(w.b);
  CHECK_FALSE(w.a.status().in_sync);
  CHECK(w.order(w.a, event::Promote{}).find("out of sync") != std::string::npos);
  w.settle();
  CHECK(w.a.status().in_sync);
  CHECK(w.b.status().in_sync);
  CHECK(w.a.status().last == 0);
}

TEST_CASE("promotion: the link goes first, then the epoch is durable, then the reign begins") {
  World w;
  w.start(w.a);
  w.start(w.b);
  w.settle();
  const std::size_t from = w.a.actions.size();
  CHECK(w.order(w.a, event::Promote{make_epoch(7, 2), false}).empty());
  CHECK(w.a.status().epoch >= make_epoch(7, 2));
  CHECK(epoch_node(w.a.status().epoch) == 1);
  const long drop = position(w.a, "DropLink", from);
  const long meta = position(w.a, "PersistMeta", from);
  const long reign = position(w.a, "AppendControl", from);
  const long told = position(w.a, "StatusChanged", from);
  CHECK(drop >= 0);
  CHECK(drop < meta);
  CHECK(meta < reign);
  CHECK(reign < told);
  CHECK(w.a.meta.epoch_seen == w.a.status().epoch);
  CHECK(w.order(w.a, event::Promote{}).empty());  // asked twice
}

TEST_CASE(
    "promotion with a deadline: the reign is durable and has not begun when it is asked again") {
  World w;
  w.start(w.a);
  w.start(w.b);
  w.settle();
  w.claims_first = true;
  SUBCASE("it stands") {
    const std::size_t from = w.a.actions.size();
    CHECK(w.order(w.a, event::Promote{}).empty());
    CHECK(w.a.status().role == Role::primary);
    CHECK(position(w.a, "PersistMeta", from) < position(w.a, "AppendControl", from));
    w.settle();
    CHECK(w.a.status().pair_state == PairState::paired);
  }
  SUBCASE("it came too late: nothing of it is left, and the peer need not heed it") {
    const Meta before = w.a.meta;
    w.in_time = false;
    CHECK(w.order(w.a, event::Promote{}).find("time of the order ended") != std::string::npos);
    CHECK(w.a.status().role == Role::standby);
    CHECK(w.a.meta == before);
    CHECK(w.a.last() == 0);
    w.claims_first = false;
    CHECK(w.order(w.b, event::Promote{}).empty());
    w.settle();
    CHECK(w.b.status().pair_state == PairState::paired);
  }
}

TEST_CASE("paired: nothing commits before the standby confirms") {
  World w;
  w.pair_up();
  REQUIRE(w.a.status().pair_state == PairState::paired);
  w.append(w.a, 3);
  const Lsn before = w.a.replica->committed();
  CHECK(before < w.a.last());
  while (w.deliver(w.b)) {
  }
  CHECK(w.a.replica->committed() == before);
  while (w.deliver(w.a)) {
  }
  CHECK(w.a.replica->committed() == w.a.last());
}

TEST_CASE("replicated+synced: nothing commits before both have it on disk") {
  World w(CommitRule::replicated_synced);
  w.pair_up();
  REQUIRE(w.a.status().pair_state == PairState::paired);
  w.append(w.a);
  const Lsn before = w.a.replica->committed();
  const auto deliver_all = [&] {
    while (w.deliver(w.b) || w.deliver(w.a)) {
    }
  };
  deliver_all();
  w.finish_sync(w.a);
  CHECK(w.a.replica->committed() == before);
  w.finish_sync(w.b);
  deliver_all();
  CHECK(w.a.replica->committed() == w.a.last());
}

TEST_CASE("waiting commits nothing; alone: durably announced first, then synced, then committed") {
  World w;
  w.pair_up();
  w.network = false;
  w.cut();
  CHECK(w.a.status().pair_state == PairState::waiting);
  const Lsn before = w.a.replica->committed();
  w.append(w.a, 5);
  w.finish_sync(w.a);
  CHECK(w.a.replica->committed() == before);
  const std::size_t from = w.a.actions.size();
  CHECK(w.order(w.b, event::GoSolo{"x"}).find("standby") != std::string::npos);
  CHECK(w.order(w.b, event::LoseSync{"test"}).empty());
  CHECK(w.order(w.a, event::GoSolo{"test"}).empty());
  CHECK_FALSE(w.a.meta.peer_in_sync);
  CHECK(position(w.a, "PersistMeta", from) < position(w.a, "AppendControl", from));
  CHECK(w.a.replica->committed() == before);
  w.finish_sync(w.a);
  CHECK(w.a.replica->committed() == w.a.last());
  CHECK(w.order(w.a, event::GoSolo{"again"}).empty());
}

TEST_CASE("coming back: required first, then durably announced, then told, then paired") {
  World w;
  w.pair_up();
  w.network = false;
  w.cut();
  w.order(w.b, event::LoseSync{"test"});
  w.order(w.a, event::GoSolo{"test"});
  w.append(w.a, 50);
  w.settle();
  CHECK_FALSE(w.b.meta.in_sync);
  const std::size_t from_a = w.a.actions.size();
  const std::size_t from_b = w.b.actions.size();
  w.network = true;
  w.settle();
  CHECK(w.a.status().pair_state == PairState::paired);
  CHECK(w.b.status().in_sync);
  CHECK(w.b.meta.in_sync);
  CHECK(w.a.meta.peer_in_sync);
  CHECK(position(w.a, "PersistMeta", from_a) < position(w.a, "Send InSync", from_a));
  CHECK(position(w.b, "PersistMeta", from_b) >= 0);
  CHECK(w.a.state == w.b.state);
}

TEST_CASE(
    "replicated+synced: nothing that a standby coming back is required for is in a cache only") {
  World w(CommitRule::replicated_synced);
  w.pair_up();
  w.network = false;
  w.cut();
  w.order(w.b, event::LoseSync{"test"});
  w.order(w.a, event::GoSolo{"test"});
  w.append(w.a, 5);
  w.settle();
  w.network = true;
  w.connect();
  const auto deliver_all = [&] {
    while (w.deliver(w.b) || w.deliver(w.a)) {
    }
  };
  deliver_all();
  w.finish_sync(w.a);
  deliver_all();
  // The standby was told that it is in sync; it is once that is on its disk. Meanwhile it gets
  // more.
  REQUIRE(position(w.a, "Send InSync", 0) >= 0);
  REQUIRE_FALSE(w.b.status().in_sync);
  w.append(w.a);
  const Lsn newest = w.a.last();
  deliver_all();
  w.finish_sync(w.a);
  REQUIRE(w.b.last() == newest);
  CHECK(w.a.replica->committed() < newest);
  w.settle();
  CHECK(w.a.replica->committed() == w.a.last());
  CHECK(w.a.status().pair_state == PairState::paired);
}

TEST_CASE("a link that breaks while the standby is told leaves the primary waiting, not alone") {
  World w;
  w.tell_standby();
  w.network = false;
  w.cut();
  CHECK(w.a.status().pair_state == PairState::waiting);
  CHECK(w.a.meta.peer_in_sync);
}

// Authority to go on alone names the episode that it was asked for (docs/control-protocol.md).
TEST_CASE(
    "a primary that waits begins another episode when it tells the standby that it is in sync") {
  World w;
  w.pair_up();
  w.cut();
  w.order(w.b, event::LoseSync{"test"});
  const std::uint64_t waiting = w.a.status().change;
  w.connect();
  const std::size_t from = w.a.actions.size();
  std::uint64_t before = 0;
  for (int i = 0; i < 100 && position(w.a, "Send InSync", from) < 0; ++i) {
    before = w.a.status().change;
    if (!w.deliver(w.b) && !w.deliver(w.a) && !w.finish_sync(w.a)) w.tick();
  }
  REQUIRE(position(w.a, "Send InSync", from) >= 0);
  CHECK(w.a.status().pair_state == PairState::waiting);
  CHECK(before == waiting);
  CHECK(w.a.status().change > waiting);
}

TEST_CASE("a claim that is given up, confirmed or not, begins another episode") {
  World w;
  w.pair_up();
  w.kill(w.b);
  w.start(w.b);
  const ReplicaStatus claims = w.b.status();
  CHECK(!claims.in_sync);
  REQUIRE(claims.was_in_sync);
  w.order(w.b, event::LoseSync{"test"});
  CHECK(!w.b.status().was_in_sync);
  CHECK(w.b.status().change > claims.change);
}

TEST_CASE("a link that breaks while the standby catches up leaves a lone primary alone") {
  World w;
  w.pair_up();
  w.cut();
  w.order(w.b, event::LoseSync{"test"});
  w.order(w.a, event::GoSolo{"test"});
  w.append(w.a, 10);
  w.finish_sync(w.a);
  w.connect();
  w.deliver(w.a);
  CHECK(w.a.status().pair_state == PairState::resyncing);
  w.network = false;
  w.cut();
  CHECK(w.a.status().pair_state == PairState::solo);
  w.append(w.a);
  w.finish_sync(w.a);
  CHECK(w.a.replica->committed() == w.a.last());
}

TEST_CASE("silence ends the link on both sides; heartbeats prevent it") {
  World w;
  w.pair_up();
  for (int i = 0; i < 100; ++i) {
    w.tick();
    while (w.deliver(w.a) || w.deliver(w.b)) {
    }
  }
  CHECK(w.a.status().pair_state == PairState::paired);
  for (int i = 0; i < 30; ++i) w.tick();  // nothing arrives any more
  CHECK(w.a.status().pair_state == PairState::waiting);
  CHECK(w.a.status().reason.find("nothing heard") != std::string::npos);
  CHECK_FALSE(w.b.status().peer_connected);
}

TEST_CASE("a standby that lives but does not confirm makes the pair wait, and be paired again") {
  World w;
  w.pair_up();
  w.append(w.a);
  for (int i = 0; i < 40; ++i) {
    w.tick();
    Message beat = msg::Heartbeat{w.a.status().epoch, 0, 0, 0};
    std::string bytes;
    encode(bytes, beat);
    w.a.inbox.push_front(bytes);  // alive, and that is all
    w.deliver(w.a);
    w.b.inbox.clear();
  }
  CHECK(w.a.status().pair_state == PairState::waiting);
  CHECK(w.a.status().reason.find("not confirmed") != std::string::npos);
  w.settle();
  CHECK(w.a.status().pair_state == PairState::paired);
  CHECK(w.a.replica->committed() == w.a.last());
}

TEST_CASE(
    "replicated+synced: a standby whose disk stands still makes the pair wait, however it talks") {
  World w(CommitRule::replicated_synced);
  w.pair_up();
  w.append(w.a);
  const Lsn newest = w.a.last();
  const auto talk = [&](int ticks) {
    for (int i = 0; i < ticks; ++i) {
      w.tick();
      while (w.deliver(w.a) || w.deliver(w.b) || w.finish_sync(w.a)) {
      }
    }
  };
  talk(50);  // a sync may take longer than a message
  CHECK(w.a.status().pair_state == PairState::paired);
  talk(250);
  CHECK(w.a.status().peer_received == newest);
  CHECK(w.a.status().pair_state == PairState::waiting);
  talk(50);
  CHECK(w.a.status().pair_state == PairState::waiting);
  CHECK(w.a.replica->committed() < newest);
  w.settle();
  CHECK(w.a.status().pair_state == PairState::paired);
  CHECK(w.a.replica->committed() == w.a.last());
}

TEST_CASE("a primary that learns of a higher epoch steps down and commits nothing more") {
  World w;
  w.pair_up();
  w.network = false;
  w.cut();
  w.append(w.a, 4);
  const std::size_t from = w.a.actions.size();
  CHECK(w.order(w.b, event::Promote{}).empty());
  w.network = true;
  w.settle();
  CHECK(w.a.status().role == Role::standby);
  CHECK(position(w.a, "Commit", from) < 0);
  CHECK(w.b.status().pair_state == PairState::paired);
  CHECK(w.a.state == w.b.state);
  CHECK(w.a.quarantined.empty());
}

TEST_CASE("messages out of turn end the link and change nothing") {
  World w;
  w.pair_up();
  const Lsn last = w.b.last();
  const Epoch epoch = w.a.status().epoch;
  std::vector<Message> to_standby = {msg::Follow{epoch, 0, true, false, false},
                                     msg::SnapshotEnd{1},
                                     msg::SnapshotChunk{0, 0, ""},
                                     msg::SnapshotBegin{5, 10, {}},
                                     msg::SwitchoverAccept{epoch + 256, ""},
                                     msg::Records{"garbage"},
                                     msg::InSync{epoch + 256, 1},
                                     msg::Hello{}};
  for (const Message& message : to_standby) {
    INFO(std::string(name_of(message)));
    std::string bytes;
    encode(bytes, message);
    w.b.inbox.push_front(bytes);
    w.deliver(w.b);
    CHECK_FALSE(w.b.status().peer_connected);
    CHECK(w.b.last() == last);
    CHECK(w.b.status().role == Role::standby);
    w.settle();
    REQUIRE(w.a.status().pair_state == PairState::paired);
  }
  std::vector<Message> to_primary = {msg::Confirm{epoch, last + 100, 0, true},
                                     msg::Confirm{epoch + 256, last, 0, true},
                                     msg::Confirm{epoch, 1, 2, true}, msg::NeedSnapshot{"x"},
                                     msg::Follow{epoch + 256, 0, false, false, false}};
  for (const Message& message : to_primary) {
    INFO(std::string(name_of(message)));
    std::string bytes;
    encode(bytes, message);
    w.a.inbox.push_front(bytes);
    w.deliver(w.a);
    CHECK(w.a.status().role == Role::primary);
    CHECK(w.a.status().pair_state == PairState::waiting);
    w.settle();
    REQUIRE(w.a.status().pair_state == PairState::paired);
  }
}
