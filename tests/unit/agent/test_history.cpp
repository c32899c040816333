#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "failover/shell/history.h"
#include "loop_rig.h"

using namespace tandemq::failover;

TEST_CASE("the history survives a restart, is bounded, and leaves damaged lines out") {
  LoopRig rig;
  const std::string file = rig.folder / "history.jsonl";
  {
    History history(file);
    std::uint64_t last = 0, first = 0;
    for (std::size_t i = 0; i < History::kKept + 5; ++i) {
      Change c;
      c.wall_ms = 1'000'000 + i;
      c.from = "standby";
      c.to = "primary";
      last = history.add(c);
      if (first == 0) first = last;
    }
    CHECK(history.find(first) == nullptr);
    CHECK(history.find(0) == nullptr);
    REQUIRE(history.find(last) != nullptr);
    history.find(last)->first_client_ms = 12;
    history.save();
  }
  std::ofstream(file, std::ios::app) << "{\"time_ms\": \"yesterday\"}\ngarbage\n";
  History again(file);
  again.load();
  REQUIRE(again.changes().size() == History::kKept);
  CHECK(again.changes().back().first_client_ms == 12);
  CHECK(again.changes().front().wall_ms == 1'000'005);
}

TEST_CASE("a folder that cannot be written stops nobody") {
  History history("/nonexistent/history.jsonl");
  history.load();
  history.add({});
  CHECK(history.changes().size() == 1);
}

TEST_CASE("times are RFC 3339") {
  CHECK(rfc3339(1'700'000'000'123) == "2023-11-14T22:13:20.123Z");
}
