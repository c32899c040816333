#include "tests/unit/mqtt/rules.h"

using namespace tandemq::mqtt;
using namespace tandemq::mqtt::test;

namespace {
constexpr Reason ok = Reason::success;
constexpr Reason malformed = Reason::malformed_packet;
constexpr Reason protocol = Reason::protocol_error;
constexpr Reason bad_version = Reason::unsupported_version;
constexpr Reason bad_topic = Reason::topic_name_invalid;

void check_first(std::initializer_list<Rule> rules) {
  for (const Rule& rule : rules) check_rule(Decoder(), rule);
}
}  // namespace

TEST_CASE("CONNECT of 5.0: head and payload") {
  check_first({
      {"smallest", "10", "0004 'MQTT' 05 02 003c 00 0000", ok},
      {"client id", "10", "0004 'MQTT' 05 00 0000 00 0003 'abc'", ok},
      {"password without user name", "10", "0004 'MQTT' 05 42 0000 00 0000 0002 'pw'", ok},
      {"binary password", "10", "0004 'MQTT' 05 c2 0000 00 0000 0001 'u' 0002 00ff", ok},
      {"reserved header flag", "11", "0004 'MQTT' 05 02 003c 00 0000", malformed},
      {"reserved connect flag", "10", "0004 'MQTT' 05 03 003c 00 0000", malformed},  // 5:3.1.2-3
      {"other protocol name", "10", "0004 'MQXX' 05 02 003c 00 0000", bad_version},  // 5:3.1.2-1
      {"version 6", "10", "0004 'MQTT' 06 02 003c 00 0000", bad_version},            // 5:3.1.2-2
      {"version 3 of MQTT", "10", "0004 'MQTT' 03 02 003c 0000", bad_version},
      {"version 4 of MQIsdp", "10", "0006 'MQIsdp' 04 02 003c 0000", bad_version},
      {"will QoS 3", "10", "0004 'MQTT' 05 1e 003c 00 0000 00 0001 't' 0000",
       malformed},  // 5:u3.1.2.6-1
      {"will QoS without will", "10", "0004 'MQTT' 05 0a 003c 00 0000", malformed},
      {"will retain without will", "10", "0004 'MQTT' 05 22 003c 00 0000", malformed},
      {"client id not UTF-8", "10", "0004 'MQTT' 05 02 003c 00 0001 ff", malformed},  // 5:1.5.4-1
      {"client id with U+0000", "10", "0004 'MQTT' 05 02 003c 00 0003 610062",
       malformed},  // 5:1.5.4-2
      {"client id with surrogate", "10", "0004 'MQTT' 05 02 003c 00 0003 eda080", malformed},
      {"user name not UTF-8", "10", "0004 'MQTT' 05 82 003c 00 0000 0001 c0", malformed},
      {"cut in the flags", "10", "0004 'MQTT' 05", malformed},
      {"no client id", "10", "0004 'MQTT' 05 02 003c 00", malformed},
      {"no user name", "10", "0004 'MQTT' 05 82 003c 00 0000", malformed},
      {"bytes behind", "10", "0004 'MQTT' 05 02 003c 00 0000 00", malformed},
      {"no property length", "10", "0004 'MQTT' 05 02 003c", malformed},
      {"property length beyond", "10", "0004 'MQTT' 05 02 003c 09 0000", malformed},
  });
}

TEST_CASE("CONNECT of 5.0: properties") {
  check_first({
      {"all numbers", "10",
       "0004 'MQTT' 05 02 003c 14 11 ffffffff 21 0001 27 00000001 22 0000 19 01 17 00 0000", ok},
      {"session expiry twice", "10",
       "0004 'MQTT' 05 02 003c 0a 1100000001 1100000001 0000",  // 5:u3.1.2.11.2-1
       protocol},
      {"receive maximum 0", "10", "0004 'MQTT' 05 02 003c 03 210000 0000",
       protocol},  // 5:u3.1.2.11.3-1
      {"maximum packet size 0", "10", "0004 'MQTT' 05 02 003c 05 2700000000 0000",
       protocol},  // 5:u3.1.2.11.4-1
      {"request problem 2", "10", "0004 'MQTT' 05 02 003c 02 1702 0000",
       protocol},  // 5:u3.1.2.11.7-1
      {"request response 2", "10", "0004 'MQTT' 05 02 003c 02 1902 0000",
       protocol},  // 5:u3.1.2.11.6-1
      {"receive maximum twice", "10", "0004 'MQTT' 05 02 003c 06 210001 210001 0000",
       protocol},  // 5:u3.1.2.11.3-1
      {"maximum packet size twice", "10", "0004 'MQTT' 05 02 003c 0a 2700000001 2700000001 0000",
       protocol},  // 5:u3.1.2.11.4-1
      {"topic alias maximum twice", "10", "0004 'MQTT' 05 02 003c 06 220001 220001 0000",
       protocol},  // 5:u3.1.2.11.5-1
      {"request problem twice", "10", "0004 'MQTT' 05 02 003c 04 1701 1701 0000",
       protocol},  // 5:u3.1.2.11.7-1
      {"request response twice", "10", "0004 'MQTT' 05 02 003c 04 1901 1901 0000",
       protocol},  // 5:u3.1.2.11.6-1
      {"method twice", "10", "0004 'MQTT' 05 02 003c 08 15 0001 'x' 15 0001 'x' 0000",
       protocol},  // 5:u3.1.2.11.9-1
      {"data twice", "10", "0004 'MQTT' 05 02 003c 0c 15 0001 'x' 16 0001 00 16 0001 00 0000",
       protocol},  // 5:u3.1.2.11.10-1
      {"another order", "10", "0004 'MQTT' 05 02 003c 0a 27 00000001 11 00000001 0000",
       ok},                          // 5:u2.2.2.2-2
      {"user property twice", "10",  // 5:u3.1.2.11.8-1
       "0004 'MQTT' 05 02 003c 0e 26 0001 'a' 0001 'b' 26 0001 'a' 0001 'b' 0000", ok},
      {"user property not UTF-8", "10",
       "0004 'MQTT' 05 02 003c 07 26 0001 'a' 0001 ff 0000",  // 5:1.5.7-1
       malformed},
      {"method and data", "10", "0004 'MQTT' 05 02 003c 08 15 0001 'x' 16 0001 00 0000", ok},
      {"data without method", "10", "0004 'MQTT' 05 02 003c 04 16 0001 00 0000",
       protocol},  // 5:u3.1.2.11.10-1
      {"topic alias is none of CONNECT", "10", "0004 'MQTT' 05 02 003c 03 230001 0000",
       malformed},  // 5:u2.2.2.2-1
      {"server keep alive neither", "10", "0004 'MQTT' 05 02 003c 03 130001 0000", malformed},
      {"identifier 0", "10", "0004 'MQTT' 05 02 003c 02 0001 0000", malformed},
      {"identifier 0x7f", "10", "0004 'MQTT' 05 02 003c 02 7f01 0000", malformed},
      {"long identifier", "10", "0004 'MQTT' 05 02 003c 03 a60100 0000", malformed},
      {"identifier not minimal", "10", "0004 'MQTT' 05 02 003c 06 9100 00000001 0000", malformed},
      {"length not minimal", "10", "0004 'MQTT' 05 02 003c 8000 0000", malformed},  // 5:1.5.5-1
      {"cut inside a property", "10", "0004 'MQTT' 05 02 003c 03 110000 0000", malformed},
  });
}

TEST_CASE("CONNECT of 5.0: will") {
  check_first({
      {"will", "10", "0004 'MQTT' 05 36 003c 00 0000 00 0001 't' 0001 'p'", ok},
      {"all properties", "10",
       "0004 'MQTT' 05 06 003c 00 0000 1f 18 00000005 01 01 02 00000007 03 0001 'c' "
       "08 0001 'r' 09 0001 00 26 0001 'a' 0001 'b' 0001 't' 0000",
       ok},
      {"delay twice", "10",
       "0004 'MQTT' 05 06 003c 00 0000 0a 1800000005 1800000005 0001 't' 0000",  // 5:u3.1.3.2.2-1
       protocol},
      {"expiry twice", "10",
       "0004 'MQTT' 05 06 003c 00 0000 0a 0200000005 0200000005 0001 't' 0000",
       protocol},  // 5:u3.1.3.2.3-1
      {"payload format twice", "10", "0004 'MQTT' 05 06 003c 00 0000 04 0101 0101 0001 't' 0000",
       protocol},
      {"content type twice", "10", "0004 'MQTT' 05 06 003c 00 0000 06 030000 030000 0001 't' 0000",
       protocol},
      {"response topic twice", "10",
       "0004 'MQTT' 05 06 003c 00 0000 08 08 0001 'r' 08 0001 'r' 0001 't' 0000", protocol},
      {"correlation twice", "10", "0004 'MQTT' 05 06 003c 00 0000 06 090000 090000 0001 't' 0000",
       protocol},
      {"topic alias in a will", "10", "0004 'MQTT' 05 06 003c 00 0000 03 230001 0001 't' 0000",
       malformed},
      {"payload format 2", "10", "0004 'MQTT' 05 06 003c 00 0000 02 0102 0001 't' 0000", protocol},
      {"topic with wildcard", "10", "0004 'MQTT' 05 06 003c 00 0000 00 0001 '+' 0000", bad_topic},
      {"empty topic", "10", "0004 'MQTT' 05 06 003c 00 0000 00 0000 0000", bad_topic},
      {"topic not UTF-8", "10", "0004 'MQTT' 05 06 003c 00 0000 00 0001 ff 0000", malformed},
      {"no payload", "10", "0004 'MQTT' 05 06 003c 00 0000 00 0001 't'", malformed},
  });
}

TEST_CASE("CONNECT of 3.1.1 and 3.1") {
  check_first({
      {"3.1.1", "10", "0004 'MQTT' 04 02 003c 0000", ok},
      {"3.1.1 all", "10", "0004 'MQTT' 04 f6 003c 0001 'c' 0001 't' 0001 'p' 0001 'u' 0001 'w'",
       ok},
      {"3.1", "10", "0006 'MQIsdp' 03 02 003c 0001 'c'", ok},
      {"3.1 with unused flag", "10", "0006 'MQIsdp' 03 03 003c 0001 'c'", ok},
      {"3.1.1 with reserved flag", "10", "0004 'MQTT' 04 03 003c 0000", malformed},  // 3:3.1.2-3
      {"password without user name", "10", "0004 'MQTT' 04 42 003c 0000 0001 'w'", malformed},
      {"version 0", "10", "0004 'MQTT' 00 02 003c 0000", bad_version},  // 3:3.1.2-2
      {"bridge bit", "10", "0004 'MQTT' 84 02 003c 0000", bad_version},
  });
}

TEST_CASE("the version of a refused CONNECT is known for the answer") {
  const auto version_after = [](const char* body) {
    Decoder decoder;
    Packet packet;
    std::size_t consumed = 0;
    CHECK(decoder.decode(packet_of("10", body), packet, consumed) == Decoded::error);
    return decoder.version();
  };
  CHECK(version_after("0004 'MQTT' 04 03 003c 0000") == Version::v311);
  CHECK(version_after("0004 'MQTT' 05 03 003c 00 0000") == Version::v5);
  CHECK(version_after("0004 'MQTT' 06 02 003c 00 0000") == Version::v5);
  CHECK(version_after("0004 'MQTT' 03 02 003c 0000") == Version::v311);
}

TEST_CASE("CONNECT comes first and once [5:3.1.0-2 3:3.1.0-2]") {
  for (const char* first : {"30", "c0", "82", "e0", "f0", "20"}) {
    Decoder decoder;
    Packet packet;
    std::size_t consumed = 0;
    CHECK(decoder.decode(bytes_of(first), packet, consumed) == Decoded::error);
    CHECK(decoder.error_reason() == protocol);
  }
  check_rule(connected(Side::server, Version::v5),
             {"again", "10", "0004 'MQTT' 05 02 003c 00 0000", protocol});
}

TEST_CASE("CONNACK") {
  check_rules(Side::client, Version::v5,
              {{"accepted", "20", "01 00 00", ok},
               {"refused", "20", "00 87 00", ok},
               {"present in a refusal", "20", "01 87 00", protocol},
               {"reserved flag", "20", "02 00 00", malformed},
               {"code of PUBREL", "20", "00 92 00", protocol},
               {"maximum QoS 2", "20", "00 00 02 2402", protocol},
               {"maximum QoS 1", "20", "00 00 02 2401", ok},
               {"shared available 2", "20", "00 00 02 2a02", protocol},
               {"receive maximum 0", "20", "00 00 03 210000", protocol},
               {"no properties", "20", "00 00", malformed},
               {"request problem is none of CONNACK", "20", "00 00 02 1701", malformed}});
  check_rules(Side::client, Version::v311,
              {{"accepted", "20", "01 00", ok},
               {"refused", "20", "00 05", ok},
               {"code 6", "20", "00 06", malformed},
               {"long", "20", "00 00 00", malformed}});
  check_rules(Side::client, Version::v31, {{"reserved byte", "20", "ff 00", ok}});
}
