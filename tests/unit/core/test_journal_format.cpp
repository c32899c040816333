#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "broker/core/record_kinds.h"

using namespace tandemq::core;

TEST_CASE("docs/journal-format.md has a row for each kind") {
  std::ifstream file(TANDEMQ_SOURCE_DIR "/docs/journal-format.md");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  for (const KindFacts& facts : kKinds) {
    const std::string row = "\n| " + std::to_string(static_cast<unsigned>(facts.kind)) + " | " +
                            std::string(facts.name) + " | ";
    CAPTURE(row);
    CHECK(text.find(row) != std::string::npos);
  }
}
