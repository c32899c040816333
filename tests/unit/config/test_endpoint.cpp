#include <doctest/doctest.h>

#include "broker/support/endpoint.h"

using namespace tandemq;

TEST_CASE("endpoints") {
  CHECK(parse_endpoint("a:1")->host == "a");
  CHECK(parse_endpoint("[::1]:65535")->port == 65535);
  for (const char* bad : {"", ":1", "a", "a:", "a:0", "a:65536", "a:1x", "a:-1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_endpoint(bad));
  }
}

TEST_CASE("loopback is what only this host reaches") {
  for (const char* yes : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) CHECK(is_loopback(yes));
  for (const char* no : {"0.0.0.0", "10.0.0.1", "::", "::2", "host", "", "128.0.0.1"}) {
    CAPTURE(no);
    CHECK_FALSE(is_loopback(no));
  }
}

TEST_CASE("sockets overlap on one port when one address is the other or stands for all") {
  CHECK(overlap({"10.0.0.1", 1}, {"10.0.0.1", 1}));
  CHECK(overlap({"0.0.0.0", 1}, {"10.0.0.1", 1}));
  CHECK(overlap({"10.0.0.1", 1}, {"::", 1}));
  CHECK(overlap({"host", 1}, {"0.0.0.0", 1}));
  CHECK(overlap({"::1", 1}, {"0:0::1", 1}));
  CHECK_FALSE(overlap({"10.0.0.1", 1}, {"10.0.0.1", 2}));
  CHECK_FALSE(overlap({"10.0.0.1", 1}, {"10.0.0.2", 1}));
  CHECK_FALSE(overlap({"0.0.0.0", 1}, {"::1", 1}));
}

TEST_CASE("an endpoint is shown with brackets where it needs them") {
  CHECK(shown({"10.0.0.1", 1883}) == "10.0.0.1:1883");
  CHECK(shown({"fd00::1", 1883}) == "[fd00::1]:1883");
  CHECK(shown({"[fd00::1]", 1883}) == "[fd00::1]:1883");
  CHECK(shown({"name", 1}) == "name:1");
}
