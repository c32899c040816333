#include <doctest/doctest.h>

#include "failover/shell/peer_link.h"
#include "loop_rig.h"

using namespace tandemq::failover;

namespace {

PeerLinkConfig config_of(const std::string& node, unsigned index) {
  PeerLinkConfig config;
  config.node = node;
  config.peer = node == "a" ? "b" : "a";
  const std::string ends[] = {"127.0.0.31:47884", "127.0.0.32:47884"};
  config.listen = {ends[node == "a" ? 0 : 1]};
  config.addresses = {ends[node == "a" ? 1 : 0]};
  config.secret = "0123456789abcdef0123456789abcdef";
  config.boot = node == "a" ? 11 : 22;
  config.index = index;
  config.settings = {{"failover.in_sync_lease_ms", "5000"}, {"failover.authority", "timeout"}};
  return config;
}

struct End {
  std::unique_ptr<PeerLink> link;
  int reports = 0;
  End(LoopRig& rig, const PeerLinkConfig& config) {
    auto opened = PeerLink::open(
        rig.base, config, [] { return Report{}; },
        [this](EventKind kind, const PeerReport&) { reports += kind == EventKind::peer_report; });
    REQUIRE(opened);
    link = std::move(*opened);
  }
};

// Both talk until the condition holds.
bool talk(LoopRig& rig, End& a, End& b, const std::function<bool()>& done) {
  return rig.until(5000, [&] {
    a.link->send();
    b.link->send();
    return done();
  });
}

}  // namespace

TEST_CASE("agents tell each other their versions, and which settings differ") {
  LoopRig rig;
  End a(rig, config_of("a", 1));
  PeerLinkConfig other = config_of("b", 2);
  other.settings["failover.in_sync_lease_ms"] = "2000";
  other.settings["later.setting"] = "1";
  End b(rig, other);
  REQUIRE(talk(rig, a, b, [&] { return a.reports > 0 && b.reports > 0; }));
  for (End* end : {&a, &b}) {
    const PeerLink::Meeting meeting = end->link->meeting();
    CHECK(meeting.software == TANDEMQ_VERSION);
    CHECK(meeting.refused == "");
    REQUIRE(meeting.differences.size() == 1);
    CHECK(meeting.differences[0].setting == "failover.in_sync_lease_ms");
    CHECK(meeting.differences[0].here == (end == &a ? "5000" : "2000"));
  }
}

TEST_CASE("files whose contents differ are told on both until they are equal") {
  LoopRig rig;
  End a(rig, config_of("a", 1));
  End b(rig, config_of("b", 2));
  a.link->set_checksums({{"acl_file", "17"}, {"password_file", "4"}});
  REQUIRE(talk(rig, a, b, [&] { return a.reports > 0 && b.reports > 0; }));
  CHECK(b.link->meeting().differences.empty());  // its broker has not told yet
  b.link->set_checksums({{"acl_file", "18"}, {"password_file", "4"}});
  const auto differ = [&](End& end) { return end.link->meeting().differences.size() == 1; };
  CHECK(talk(rig, a, b, [&] { return differ(a) && differ(b); }));
  CHECK(a.link->meeting().differences[0].setting == "checksum of acl_file");
  a.link->set_checksums({{"acl_file", "18"}, {"password_file", "4"}});
  const auto equal = [&](End& end) { return end.link->meeting().differences.empty(); };
  CHECK(talk(rig, a, b, [&] { return equal(a) && equal(b); }));
}

TEST_CASE("an agent with the same index, or of another name, is refused and told on both") {
  LoopRig rig;
  const auto refusals = [&](const PeerLinkConfig& other, const std::string& words) {
    End a(rig, config_of("a", 1));
    End b(rig, other);
    CHECK(talk(rig, a, b,
               [&] { return a.link->meeting().refused.find(words) != std::string::npos; }));
    CHECK(a.reports == 0);
    return b.link->meeting().refused;
  };
  CHECK(refusals(config_of("b", 1), "b has node.index 1 as well as a").find("a has node.index 1") !=
        std::string::npos);
  PeerLinkConfig renamed = config_of("b", 2);
  renamed.node = "c";
  refusals(renamed, "the agent of c (TandeMQ " TANDEMQ_VERSION ") is not the configured peer, b");
}

TEST_CASE("a peer that was never heard is told of after seconds, one that was is not") {
  LoopRig rig;
  {
    End a(rig, config_of("a", 1));
    CHECK_FALSE(a.link->tell_absence());
    CHECK(rig.until(6000, [&] { return a.link->tell_absence(); }));
  }
  End a(rig, config_of("a", 1));
  End b(rig, config_of("b", 2));
  REQUIRE(talk(rig, a, b, [&] { return a.reports > 0 && b.reports > 0; }));
  rig.until(3200, [] { return false; });
  CHECK_FALSE(a.link->tell_absence());
}
