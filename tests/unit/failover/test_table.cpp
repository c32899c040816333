#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "failover/core/table.h"

namespace tandemq::failover {

TEST_CASE("docs/failover-table.md is the table (tandemq-agent --print-table writes it)") {
  std::ifstream file(TANDEMQ_SOURCE_DIR "/docs/failover-table.md");
  std::stringstream text;
  text << file.rdbuf();
  CHECK(text.str() == print_table());
}

TEST_CASE("every row says why, and no two rows of a state say the same") {
  std::set<std::string> sentences;
  for (const Row& row : all_rows()) {
    CHECK(std::string(row.why).size() > 15);
    CHECK_MESSAGE(sentences.insert(row.why).second, std::string(row.why));
  }
}

TEST_CASE("only states that serve or are about to may newly get the address") {
  for (unsigned i = 0; i < kPhases; ++i) {
    const Phase phase = static_cast<Phase>(i);
    const bool may = phase == Phase::standby || phase == Phase::asking || phase == Phase::primary ||
                     phase == Phase::waiting || phase == Phase::switching;
    CHECK((eligible_in(phase) == Eligible::yes) == may);
  }
}

}  // namespace tandemq::failover
