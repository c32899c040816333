#include <doctest/doctest.h>

#include "failover/core/keepalived_care.h"

using namespace tandemq;
using namespace tandemq::failover;

namespace {

struct Host {
  State state;
  KeepalivedCare care;
  bool source_here = true;

  Host() {
    state.eligible = true;
    state.facts.keepalived_alive = state.facts.interface_up = true;
    state.facts.vrrp = Vrrp::fault;
    state.facts.now = 100000;
  }
  // How often each cure was wanted in so long.
  int count(Cure wanted, TimeMs ms) {
    int n = 0;
    for (const TimeMs end = state.facts.now + ms; state.facts.now < end; state.facts.now += 200) {
      n += care.judge(state, [this] { return source_here; }) == wanted;
    }
    return n;
  }
};

}  // namespace

TEST_CASE("a keepalived that stays in FAULT for no reason is ended, not too often") {
  Host host;
  SUBCASE("it started before the address it speaks from was there") {
    CHECK(host.count(Cure::restart, 4800) == 0);
    CHECK(host.count(Cure::restart, 60000) == 2);
  }
  SUBCASE("meanwhile its track file is touched, once a second") {
    CHECK(host.count(Cure::touch, 4000) >= 3);
  }
  SUBCASE(
      "not while the address is not there, or the cable is out, or the node should not have it") {
    SUBCASE("") {
      host.source_here = false;
    }
    SUBCASE("") {
      host.state.facts.interface_up = false;
    }
    SUBCASE("") {
      host.state.eligible = false;
    }
    SUBCASE("") {
      host.state.facts.keepalived_alive = false;
    }
    SUBCASE("") {
      host.state.facts.vrrp = Vrrp::backup;
    }
    CHECK(host.count(Cure::restart, 60000) == 0);
  }
}

TEST_CASE("where the interface is made anew keepalived reads its configuration again, once") {
  Host host;
  host.state.facts.vrrp = Vrrp::backup;  // it does not notice
  CHECK(host.count(Cure::reload, 5000) == 0);
  host.care.interface_replaced();
  SUBCASE("at once") {}
  SUBCASE("when its address is there, too") {
    host.source_here = false;
    CHECK(host.count(Cure::reload, 5000) == 0);
    host.source_here = true;
  }
  CHECK(host.count(Cure::reload, 60000) == 1);
}
