// Whoever would not be let in any more after the files were read again.
#include "tests/unit/clients/rig.h"

using namespace tandemq;
using namespace tandemq::broker;
using namespace tandemq::broker::test;

TEST_CASE("who is removed is sent away at a review, and is heard no more") {
  Rig rig;
  rig.gate.removed = "";
  Peer& peer = rig.connected("c");
  Peer& fresh = rig.dial();
  rig.clients.review();
  rig.settle();
  const std::vector<Got> got = peer.take();
  REQUIRE(got.size() == 1);
  CHECK(got[0].type == PacketType::disconnect);
  CHECK(got[0].reason == Reason::not_authorized);
  CHECK(peer.ended());
  CHECK_FALSE(fresh.ended());  // it has not logged in yet
  CHECK_FALSE(rig.clients.has_backlog());
}

TEST_CASE("a user who was changed at run time is sent away, whatever the files say") {
  Rig rig;
  Peer& peer = rig.connected("c");
  rig.gate.removed = "somebody else";
  rig.clients.review();
  rig.settle();
  CHECK_FALSE(peer.ended());
  rig.gate.changed = "";
  rig.clients.review();
  rig.settle();
  CHECK(peer.ended());
}

TEST_CASE("a log-in that was found right before the files were read again is asked anew") {
  Rig rig;
  rig.gate.later = true;
  Peer& peer = rig.dial();
  peer.connect("c");
  rig.settle();
  REQUIRE(rig.gate.open.size() == 1);
  rig.gate.answer(Reason::success);
  rig.clients.review();
  rig.settle();
  REQUIRE(rig.gate.open.size() == 1);
  rig.gate.answer(Reason::bad_username_or_password);
  rig.settle();
  const std::vector<Got> got = peer.take();
  REQUIRE(got.size() == 1);
  CHECK(got[0].reason == Reason::bad_username_or_password);
}

TEST_CASE("a review of many is spread over turns") {
  Rig rig(1'000);
  rig.gate.removed = "alice";
  std::vector<Peer*> peers;
  for (int i = 0; i < 250; ++i) peers.push_back(&rig.connected("c" + std::to_string(i)));
  rig.gate.removed = "";
  rig.clients.review();
  rig.turn();
  const auto ended = [&] {
    return std::count_if(peers.begin(), peers.end(), [](const Peer* one) { return one->ended(); });
  };
  CHECK(ended() == 100);
  CHECK(rig.clients.has_backlog());
  rig.settle();
  CHECK(ended() == 250);
}

TEST_CASE("a second reading of the files does not forget whom the first removed") {
  Rig rig(1'000);
  rig.gate.removed = "alice";
  for (int i = 0; i < 250; ++i) rig.connected("c" + std::to_string(i));
  rig.gate.removed = "";
  rig.clients.review();
  rig.turn();
  rig.gate.removed = "alice";
  rig.clients.review();
  rig.settle();
  rig.pass_seconds(4);
  CHECK(rig.clients.size() == 0);
}

TEST_CASE("whose certificate is not good any more is sent away, or not let in") {
  Rig rig;
  Peer& peer = rig.connected("c");
  Peer& late = rig.dial();
  peer.wire->trusted = late.wire->trusted = false;
  rig.gate.removed = "somebody else";
  rig.clients.review();
  rig.settle();
  CHECK(peer.ended());
  late.connect("late");
  rig.settle();
  const std::vector<Got> got = late.take();
  REQUIRE(got.size() == 1);
  CHECK(got[0].reason == Reason::not_authorized);
}

TEST_CASE("an address and a user have so many places, which come back") {
  net::ConnectionLimits limits;
  limits.per_address = 2;
  limits.per_user = 1;
  Quotas quotas(limits);
  Quotas::Place alice = quotas.take("10.0.0.1:1", "alice");
  CHECK(quotas.full("10.0.0.2:1", "alice") != nullptr);
  CHECK(quotas.full("10.0.0.1:2", "bob") == nullptr);
  Quotas::Place bob = quotas.take("10.0.0.1:2", "bob");
  CHECK(quotas.full("10.0.0.1:3", "carol") != nullptr);
  CHECK(quotas.full("10.0.0.1:3", "") != nullptr);
  alice = Quotas::Place();
  CHECK(quotas.full("10.0.0.1:3", "alice") == nullptr);
  CHECK(quotas.full("unix:uid-1,pid-2", "") == nullptr);
}

TEST_CASE("who takes a connection over has its place, not another one's") {
  net::ConnectionLimits limits;
  limits.per_address = 1;
  limits.per_user = 1;
  Quotas quotas(limits);
  const Quotas::Place alice = quotas.take("10.0.0.1:1", "alice");
  const Quotas::Place bob = quotas.take("10.0.0.2:1", "bob");
  CHECK(quotas.full("10.0.0.1:2", "alice", &alice) == nullptr);
  CHECK(quotas.full("10.0.0.3:1", "alice", &alice) == nullptr);
  CHECK(quotas.full("10.0.0.2:2", "alice", &alice) != nullptr);  // that address is full
  CHECK(quotas.full("10.0.0.1:2", "bob", &alice) != nullptr);    // that user is
  CHECK(quotas.full("10.0.0.3:1", "bob", &alice) != nullptr);
}

TEST_CASE("of one address so many may wait before their CONNECT, beside those that are served") {
  Rig rig;
  rig.connections.per_address = 2;
  const auto dial = [&](const char* address = "10.0.0.1:1000") -> Peer& {
    return rig.dial(Version::v5, address);
  };
  Peer& first = dial();
  Peer& second = dial();
  CHECK(dial().ended());
  CHECK_FALSE(dial("10.0.0.2:1000").ended());
  first.connect("c");
  rig.settle();
  CHECK(first.take().at(0).reason == Reason::success);
  CHECK_FALSE(dial().ended());
  CHECK(dial().ended());
  second.close();
  rig.settle();
  CHECK_FALSE(dial().ended());
  rig.pass_seconds(14);  // none of them has said CONNECT
  CHECK(rig.clients.size() == 1);
  CHECK_FALSE(dial().ended());
}

TEST_CASE("behind a proxy a client that says nothing counts where it is, once that is known") {
  Rig rig(100, true);
  rig.connections.per_address = 2;
  std::vector<Peer*> peers;
  for (int i = 0; i < 5; ++i) {
    peers.push_back(&rig.dial(Version::v5, "10.0.0.9:" + std::to_string(1000 + i)));
    CHECK_FALSE(peers.back()->ended());
    peers.back()->wire->address = "10.0.0.1:" + std::to_string(1000 + i);
  }
  rig.pass_seconds(3);
  CHECK(std::count_if(peers.begin(), peers.end(), [](Peer* one) { return one->ended(); }) == 3);
  rig.pass_seconds(12);
  CHECK(rig.clients.size() == 0);
}

TEST_CASE("who is one too many is told so; its own connection it may take over") {
  Rig rig;
  rig.connections.per_address = 1;
  const auto dial = [&](const char* name) -> Peer& {
    Peer& peer = rig.dial(Version::v5, "10.0.0.1:" + std::to_string(1000 + rig.clients.size()));
    peer.connect(name);
    rig.settle();
    return peer;
  };
  CHECK(dial("c").take().at(0).reason == Reason::success);
  CHECK(dial("d").take().at(0).reason == Reason::quota_exceeded);
  Peer& again = dial("c");
  CHECK(again.take().at(0).reason == Reason::success);
  again.close();
  rig.settle();
  rig.pass_seconds(4);
  CHECK(dial("d").take().at(0).reason == Reason::success);
  rig.connections.total = static_cast<std::uint32_t>(rig.clients.size());
  CHECK(dial("e").ended());
}

TEST_CASE("a log-in with an end ends then, whether its client is silent or not") {
  Rig rig;
  Pass pass;
  pass.username = "alice";
  pass.lasts_s = 300;
  rig.gate.pass = std::make_shared<const Pass>(pass);
  Peer& silent = rig.connected("silent");
  Peer& busy = rig.connected("busy", {.keep_alive_s = 400});
  rig.gate.pass = nullptr;
  Peer& other = rig.connected("other", {.keep_alive_s = 400});
  rig.pass_seconds(298);
  CHECK_FALSE(silent.ended());
  CHECK_FALSE(busy.ended());
  rig.pass_seconds(4);
  for (Peer* peer : {&silent, &busy}) {
    const std::vector<Got> got = peer->take();
    REQUIRE(got.size() == 1);
    CHECK(got[0].reason == Reason::maximum_connect_time);
    CHECK(peer->ended());
  }
  CHECK_FALSE(other.ended());
}

TEST_CASE("a log-in that may not publish its will is refused") {
  Rig rig;
  Pass pass;
  pass.username = "alice";
  pass.rights = std::make_shared<const Acl>(*Acl::of_user("alice", {"topic write good"}));
  rig.gate.pass = std::make_shared<const Pass>(pass);
  Peer& peer = rig.dial();
  peer.connect("c", {.will_topic = "bad"});
  rig.settle();
  const std::vector<Got> got = peer.take();
  REQUIRE(got.size() == 1);
  CHECK(got[0].reason == Reason::not_authorized);
}
