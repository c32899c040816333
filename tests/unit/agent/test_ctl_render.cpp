#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "failover/ctl/render.h"
#include "failover/ctl/step_aside.h"

using namespace tandemq::failover;
using nlohmann::json;

namespace {

const json kPrimary = {{"node", "a"},       {"role", "primary"},      {"pair_state", "paired"},
                       {"epoch", 3 << 8},   {"last_lsn", 40},         {"committed_lsn", 40},
                       {"in_sync", true},   {"peer_connected", true}, {"peer_received_lsn", 38},
                       {"since_ms", 61000}, {"reason", "because"},    {"commit", "replicated"}};

json agent_answer(const json& peer) {
  return {{"summary", "All is well."},
          {"agent", {{"node", "a"}, {"state", "primary"}, {"peer_heard_ms", {{"lan", 7}}}}},
          {"peer", peer}};
}

}  // namespace

TEST_CASE("the exit code says what a script must know") {
  const json standby = {{"role", "standby"}, {"pair_state", "paired"}};
  CHECK(judge(agent_answer(standby), kPrimary) == Health::good);
  json alone = kPrimary;
  alone["pair_state"] = "solo";
  CHECK(judge(agent_answer(nullptr), alone) == Health::degraded);
  CHECK(judge(agent_answer(standby), standby) == Health::no_primary);
  CHECK(judge(agent_answer(kPrimary), standby) == Health::good);
  CHECK(judge(nullptr, kPrimary) == Health::degraded);
  CHECK(judge(nullptr, nullptr) == Health::unreachable);
  CHECK(judge(nullptr, {{"role", "primary"}, {"single", true}}) == Health::good);
}

TEST_CASE("status is one screen with both nodes, and copes with what is missing") {
  const std::string all =
      render_status(agent_answer({{"node", "b"}, {"role", "standby"}}), kPrimary);
  for (const char* part : {"All is well.", "node a (this one)", "primary, paired for 61.0 s",
                           "epoch 3", "holds record 38, 2 behind", "node b", "7 ms ago over lan"})
    CHECK_MESSAGE(all.find(part) != std::string::npos, part << " in\n" << all);
  CHECK(render_status(nullptr, nullptr).find("does not answer") != std::string::npos);
  CHECK(render_status(agent_answer(nullptr), nullptr).find("not heard") != std::string::npos);
}

TEST_CASE("a node by itself has no agent, which is no alarm") {
  const std::string all = render_status(nullptr, {{"role", "primary"}, {"single", true}});
  CHECK(all.find("by itself") != std::string::npos);
  CHECK(all.find("nobody watches") == std::string::npos);
}

TEST_CASE("a broker steps aside when its peer takes over, or nobody needs it") {
  CHECK(judge_step_aside(kPrimary).what == Aside::hands_over);
  CHECK(judge_step_aside({{"role", "standby"}, {"pair_state", "paired"}}).what == Aside::is_aside);
  CHECK(judge_step_aside({{"role", "primary"}, {"pair_state", "solo"}, {"single", true}}).what ==
        Aside::is_aside);
  for (const char* state : {"solo", "waiting", "resyncing"}) {
    json broker = kPrimary;
    broker["pair_state"] = state;
    const AsideVerdict verdict = judge_step_aside(broker);
    CHECK(verdict.what == Aside::must_stay);
    CHECK(verdict.why.find("because") != std::string::npos);
  }
}

TEST_CASE("status tells versions, what does not pair and what differs") {
  json broker = kPrimary;
  broker["version"] = "1.0";
  broker["agreed"] = "frame 1";
  broker["peer_version"] = "1.1";
  broker["peer_refused"] = "b does not know record kind 40";
  broker["settings_differ"] = {{{"setting", "limits.x"}, {"here", "1"}, {"there", "2"}}};
  json answer = agent_answer({{"node", "b"}, {"role", "standby"}, {"version", "1.2"}});
  answer["agent"]["peer_refused"] = "b has node.index 1 as well";
  const std::string all = render_status(answer, broker);
  for (const char* part : {"1.0, writes frame 1", "does not pair   b does not know",
                           "limits.x is 1 here and 2 on the peer", "broker 1.1, agent 1.2",
                           "b has node.index 1 as well"})
    CHECK_MESSAGE(all.find(part) != std::string::npos, part << " in\n" << all);
}

TEST_CASE("a peer whose broker is dead is no primary, whatever it was") {
  const json dead = {
      {"node", "b"}, {"role", "primary"}, {"pair_state", "paired"}, {"broker_alive", false}};
  const json standby = {{"role", "standby"}, {"pair_state", "paired"}};
  CHECK(judge(agent_answer(dead), standby) == Health::no_primary);
  const std::string text = render_status(agent_answer(dead), kPrimary);
  CHECK(text.find("broker          not there") != std::string::npos);
}

TEST_CASE(
    "a primary that was heard of long ago is none, and a pair that cannot fail over is not well") {
  const json standby = {{"role", "standby"}, {"pair_state", "waiting"}};
  json answer = agent_answer(kPrimary);
  CHECK(judge(answer, standby) == Health::good);
  answer["agent"]["peer_fresh"] = false;
  CHECK(judge(answer, standby) == Health::no_primary);
  json impaired = agent_answer(standby);
  impaired["agent"]["impairments"] = {"keepalived does not run on b"};
  CHECK(judge(impaired, kPrimary) == Health::degraded);
  CHECK(render_status(impaired, kPrimary).find("impaired        keepalived does not run on b") !=
        std::string::npos);
}

TEST_CASE("one is not many") {
  json broker = kPrimary;
  broker.update({{"connections", 1}, {"sessions", 1}, {"subscriptions", 1}});
  CHECK(render_status(nullptr, broker).find("1 connected, 1 session, 1 subscription\n") !=
        std::string::npos);
  broker["subscriptions"] = 2;
  CHECK(render_status(nullptr, broker).find("1 session, 2 subscriptions\n") != std::string::npos);
}

TEST_CASE("what a promotion by force would do is told with what both nodes hold") {
  json answer = agent_answer({{"role", "primary"},
                              {"pair_state", "solo"},
                              {"epoch", (4 << 8) + 2},
                              {"last_lsn", 900},
                              {"broker_alive", true}});
  answer["agent"].update({{"peer", "b"}, {"peer_fresh", false}});
  answer["broker"] = kPrimary;
  answer["broker"]["in_sync"] = false;
  const std::string told = render_force(answer);
  const auto has = [&](const char* part) { return told.find(part) != std::string::npos; };
  CHECK(has("makes a serve with what it has"));
  CHECK(has("a: record 40 of epoch 3, in sync: no"));
  CHECK(has("b: said last: primary, solo, record 900 of epoch 4"));
  answer["peer"] = nullptr;
  CHECK(render_force(answer).find("b: was never heard") != std::string::npos);
  CHECK(render_force({{"agent", nullptr}}).find("does not answer") != std::string::npos);
}

TEST_CASE("history tells each change with its phases") {
  const json changes = json::array({{{"time", "2026-01-01T00:00:00Z"},
                                     {"from", "standby"},
                                     {"to", "primary"},
                                     {"cause", "peer_released"},
                                     {"reason", "the peer's broker died"},
                                     {"detection_ms", 3}}});
  const std::string text = render_history(changes);
  CHECK(text.find("standby -> primary") != std::string::npos);
  CHECK(text.find("detected in 3 ms") != std::string::npos);
  CHECK(render_history(json::array()).find("no change") == 0);
}
