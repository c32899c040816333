// What the history and the metrics tell of a take-over, of going on alone and of a cold start.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "failover/shell/timeline.h"
#include "loop_rig.h"

using namespace tandemq;
using namespace tandemq::failover;
using nlohmann::json;

namespace {

struct Figures : FailoverFigures {
  void failover(const std::string& cause) override { causes.push_back(cause); }
  void phase(const char* name, std::int64_t ms) override {
    if (ms >= 0) phases.push_back(name);
  }
  std::vector<std::string> causes, phases;
};

struct Rig : LoopRig {
  History history{folder / "history.jsonl"};
  Figures figures;
  Timeline timeline{history, figures};
  TimeMs now = 10000;

  void moves(Phase from, Phase to, EventKind cause, const char* why = "why") {
    Action a;
    a.from = from;
    a.to = to;
    a.cause = cause;
    a.why = why;
    a.lost_at = now - 300;
    timeline.transition(a, now);
  }
  void tells(const char* role, const char* pair, const char* reason = "", std::int64_t before = 0,
             std::int64_t back = 0, std::int64_t first = -1) {
    timeline.status({{"role", role},
                     {"pair_state", pair},
                     {"reason", reason},
                     {"sessions_before", before},
                     {"sessions_back", back},
                     {"first_client_ms", first}},
                    now += 100);
  }
  const Change& last() const { return history.changes().back(); }
};

}  // namespace

TEST_CASE("a take-over is counted by cause, with its parts; a cold start is none") {
  Rig rig;
  rig.moves(Phase::asking, Phase::promoting, EventKind::authority_granted);
  rig.moves(Phase::promoting, Phase::primary, EventKind::order_done);
  rig.moves(Phase::waiting_for_peer, Phase::promoting, EventKind::operator_promote);
  rig.moves(Phase::promoting, Phase::primary, EventKind::order_done);
  CHECK(rig.figures.causes == std::vector<std::string>{"authority_granted", "operator_promote"});
  CHECK(rig.last().detection_ms == 300);
  rig.figures = {};
  rig.moves(Phase::waiting_for_peer, Phase::promoting, EventKind::authority_granted, "cold");
  rig.moves(Phase::promoting, Phase::primary, EventKind::order_done);
  CHECK(rig.figures.causes.empty());
  CHECK(rig.figures.phases.empty());
  CHECK(rig.last().reason == "cold");
  CHECK(rig.last().detection_ms == -1);
}

TEST_CASE("a switchover counts at the node that serves after it; an agent that starts does not") {
  Rig rig;
  rig.moves(Phase::starting, Phase::primary, EventKind::broker_up);
  CHECK(rig.figures.causes.empty());
  rig.moves(Phase::primary, Phase::out_of_sync, EventKind::broker_status);
  rig.moves(Phase::standby, Phase::primary, EventKind::broker_status);
  CHECK(rig.figures.causes == std::vector<std::string>{"switchover"});
  CHECK(rig.last().cause == "switchover");
}

TEST_CASE("the history tells who let a node go on alone, and when it was alone no more") {
  Rig rig;
  rig.tells("primary", "paired");
  rig.tells("primary", "waiting", "the link is down");
  CHECK(rig.history.changes().empty());
  rig.tells("primary", "solo", "authority to go on alone: timeout");
  REQUIRE(rig.history.changes().size() == 1);
  CHECK(rig.last().to == "solo");
  CHECK(rig.last().reason == "authority to go on alone: timeout");
  rig.tells("primary", "solo");
  rig.tells("primary", "resyncing");
  CHECK(rig.history.changes().size() == 1);
  rig.tells("primary", "paired", "b holds everything");
  REQUIRE(rig.history.changes().size() == 2);
  CHECK(rig.last().from == "solo");
  CHECK(rig.last().to == "paired");
}

TEST_CASE("an agent that starts beside a solo node does not date that from its own start") {
  Rig rig;
  rig.tells("primary", "solo");
  CHECK(rig.history.changes().empty());
  rig.tells("primary", "paired");
  CHECK(rig.history.changes().size() == 1);
}

TEST_CASE("a standby that becomes primary alone has both entries") {
  Rig rig;
  rig.tells("standby", "waiting");
  rig.moves(Phase::asking, Phase::promoting, EventKind::authority_granted);
  rig.moves(Phase::promoting, Phase::primary, EventKind::order_done);
  rig.tells("primary", "solo", "authority to go on alone: timeout");
  CHECK(rig.history.changes().size() == 2);
}

TEST_CASE("clients that come back are timed, also past an entry in between") {
  Rig rig;
  rig.tells("standby", "paired");
  rig.moves(Phase::asking, Phase::promoting, EventKind::authority_granted);
  rig.moves(Phase::promoting, Phase::primary, EventKind::order_done);
  rig.tells("primary", "solo", "alone", 20, 0, -1);
  rig.tells("primary", "solo", "alone", 20, 19, 40);
  CHECK(rig.history.changes().front().first_client_ms == 40);
  CHECK(rig.history.changes().front().sessions_95_ms == 200);
  CHECK(rig.last().first_client_ms == -1);
}

TEST_CASE("where nobody was connected, who comes first says nothing about the failover") {
  Rig rig;
  rig.moves(Phase::asking, Phase::promoting, EventKind::authority_granted);
  rig.moves(Phase::promoting, Phase::primary, EventKind::order_done);
  rig.tells("primary", "solo", "", 0, 0, -1);
  rig.now += 30000;
  rig.tells("primary", "solo", "", 0, 0, 30100);
  CHECK(rig.history.changes().front().first_client_ms == -1);
  CHECK(rig.figures.phases == std::vector<std::string>{"detection", "promotion"});
}
