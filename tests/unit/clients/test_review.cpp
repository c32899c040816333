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
