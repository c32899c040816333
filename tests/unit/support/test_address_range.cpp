#include <doctest/doctest.h>

#include "broker/support/address_range.h"

using namespace tandemq;

namespace {

bool is_in(const char* address, const char* range) {
  const Result<AddressRange> parsed = AddressRange::parse(range);
  REQUIRE(parsed);
  return parsed->contains(address_bytes_of(address));
}

}  // namespace

TEST_CASE("addresses in ranges") {
  CHECK(is_in("10.0.0.5:50000", "10.0.0.5"));
  CHECK_FALSE(is_in("10.0.0.6:50000", "10.0.0.5"));
  CHECK(is_in("10.20.30.40", "10.0.0.0/8"));
  CHECK_FALSE(is_in("11.20.30.40", "10.0.0.0/8"));
  CHECK(is_in("10.0.0.127:1", "10.0.0.0/25"));
  CHECK_FALSE(is_in("10.0.0.128:1", "10.0.0.0/25"));
  CHECK(is_in("[fd00::1]:1", "fd00::/64"));
  CHECK_FALSE(is_in("[fd00:0:0:1::1]:1", "fd00::/64"));
  CHECK(is_in("[::ffff:10.0.0.5]:1", "10.0.0.5"));
  CHECK(is_in("1.2.3.4", "0.0.0.0/0"));
  CHECK_FALSE(is_in("fd00::1", "0.0.0.0/0"));
  CHECK_FALSE(is_in("unix", "0.0.0.0/0"));
  CHECK_FALSE(is_in("", "0.0.0.0/0"));
}

TEST_CASE("what is no range is named") {
  for (const char* bad : {"", "host", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "fd00::/129"}) {
    CAPTURE(bad);
    CHECK_FALSE(AddressRange::parse(bad));
  }
}
