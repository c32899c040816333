#include <doctest/doctest.h>

#include "failover/core/peer_session.h"

using namespace tandemq::failover;
using tandemq::TimeMs;

namespace {

// Two sessions that have proved themselves to each other.
struct Met {
  PeerSession a{11}, b{22};
  PeerSession::Refusal why{};
  Met() {
    a.accept(b.next(1), 1, why);  // unproven, greeted
    b.accept(a.next(2), 2, why);  // proven by the greeting
    REQUIRE(a.accept(b.next(3), 3, why));
  }
};

}  // namespace

TEST_CASE("a new life is believed only when it has heard us") {
  PeerSession a(11), b(22);
  PeerSession::Refusal why{};
  CHECK_FALSE(a.accept(b.next(1), 1, why));
  CHECK(why == PeerSession::Refusal::unproven);
  const auto proven = b.accept(a.next(2), 2, why);
  REQUIRE(proven);
  CHECK(proven->echo_sent_at == 1);
}

TEST_CASE("copies and old datagrams are refused") {
  Met m;
  const Numbers first = m.b.next(10), second = m.b.next(11);
  CHECK(m.a.accept(second, 12, m.why));
  CHECK_FALSE(m.a.accept(second, 13, m.why));
  CHECK(m.why == PeerSession::Refusal::old);
  CHECK_FALSE(m.a.accept(first, 14, m.why));
}

TEST_CASE("datagrams of an earlier life, replayed later, are refused") {
  Met m;
  const Numbers recorded = m.b.next(20);
  PeerSession reborn(33);
  m.a.accept(reborn.next(30), 30, m.why);
  reborn.accept(m.a.next(31), 31, m.why);
  REQUIRE(m.a.accept(reborn.next(32), 32, m.why));
  CHECK_FALSE(m.a.accept(recorded, 60000, m.why));
  CHECK(m.why == PeerSession::Refusal::unproven);
  CHECK(m.a.accept(reborn.next(60001), 60001, m.why));
}

TEST_CASE("the echo tells when we sent what the peer has heard, not when its words arrived") {
  Met m;
  const Numbers heard = m.a.next(100);
  REQUIRE(m.b.accept(heard, 101, m.why));
  const Numbers late = m.b.next(102);
  const auto accepted = m.a.accept(late, 9000, m.why);
  REQUIRE(accepted);
  CHECK(accepted->echo_sent_at == 100);
}

TEST_CASE("an echo of what was never sent proves nothing") {
  Met m;
  Numbers n = m.b.next(5);
  n.echo = {11, 999999};
  n.greet = {};
  const auto accepted = m.a.accept(n, 6, m.why);
  REQUIRE(accepted);
  CHECK(accepted->echo_sent_at == 0);
}
