#include <doctest/doctest.h>
#include <sys/resource.h>

#include <fstream>
#include <string>

#include "broker/support/descriptors.h"

using namespace tandemq;

namespace {

std::uint64_t size_of_table() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t size = 0;
    if (word == "FDSize:" && status >> size) return size;
  }
  return 0;
}

}  // namespace

TEST_CASE("the table of descriptors grows at once, as far as the limit allows") {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const std::uint64_t before = size_of_table();
  REQUIRE(before > 0);
  REQUIRE(before < limit.rlim_cur);
  reserve_descriptors(limit.rlim_cur + 1);
  CHECK(size_of_table() == before);
  reserve_descriptors(before + 1);
  CHECK(size_of_table() > before);
}
