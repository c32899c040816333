#include "tests/unit/mqtt/rules.h"

using namespace tandemq::mqtt;
using namespace tandemq::mqtt::test;

namespace {
constexpr Reason ok = Reason::success;
constexpr Reason malformed = Reason::malformed_packet;
constexpr Reason protocol = Reason::protocol_error;
constexpr Reason bad_topic = Reason::topic_name_invalid;
}  // namespace

TEST_CASE("PUBLISH of 5.0") {
  check_rules(
      Side::server, Version::v5,
      {{"QoS 0", "30", "0001 'a' 00 'payload'", ok},
       {"empty payload", "31", "0001 'a' 00", ok},
       {"QoS 1", "32", "0001 'a' 0001 00", ok},
       {"QoS 2 again", "3c", "0001 'a' ffff 00", ok},
       {"QoS 3", "36", "0001 'a' 0001 00", malformed},    // 5:3.3.1-4 5:u3.3.1.2-1
       {"DUP at QoS 0", "38", "0001 'a' 00", malformed},  // 5:3.3.1-2
       {"packet identifier 0", "32", "0001 'a' 0000 00", protocol},
       {"no packet identifier", "32", "0001 'a'", malformed},
       {"no property length", "30", "0001 'a'", malformed},
       {"topic cut off", "30", "0005 'a' 00", malformed},
       {"topic not UTF-8", "30", "0001 ff 00", malformed},           // 5:3.3.2-1 5:1.5.4-1
       {"topic with U+0000", "30", "0003 610062 00", malformed},     // 5:4.7.3-2 5:1.5.4-2
       {"topic with surrogate", "30", "0003 eda080 00", malformed},  // 5:1.5.4-1
       {"topic with +", "30", "0003 'a/+' 00", bad_topic},           // 5:3.3.2-2 5:4.7.0-1
       {"topic with #", "30", "000b 'a/b/c/d/e/#' 00", bad_topic},
       {"no topic, no alias", "30", "0000 00", protocol},  // 5:4.7.3-1
       {"no topic but alias", "30", "0000 03 230001", ok},
       {"alias 0", "30", "0001 'a' 03 230000", Reason::topic_alias_invalid},  // 5:3.3.2-8
       {"alias twice", "30", "0001 'a' 06 230001 230001", protocol},          // 5:u3.3.2.3.4-2
       {"expiry twice", "30", "0001 'a' 0a 0200000001 0200000001", protocol},
       {"payload format 2", "30", "0001 'a' 02 0102", protocol},
       {"payload format twice", "30", "0001 'a' 04 0101 0101", protocol},    // 5:u3.3.2.3.5-1
       {"content type twice", "30", "0001 'a' 06 030000 030000", protocol},  // 5:u3.3.2.3.5-1
       {"correlation data twice", "30", "0001 'a' 06 090000 090000", protocol},
       {"correlation data is binary", "30", "0001 'a' 05 09 0002 00ff", ok},
       {"response topic", "30", "0001 'a' 04 08 0001 'r'", ok},
       {"response topic twice", "30", "0001 'a' 08 08 0001 'r' 08 0001 'r'", protocol},
       {"response topic with wildcard", "30", "0001 'a' 04 08 0001 '#'", protocol},
       {"response topic not UTF-8", "30", "0001 'a' 04 08 0001 ff", malformed},
       {"content type not UTF-8", "30", "0001 'a' 04 03 0001 ff", malformed},
       {"user property name not UTF-8", "30", "0001 'a' 06 26 0001 ff 0000",
        malformed},  // 5:1.5.7-1
       {"user properties", "30", "0001 'a' 0a 26 0000 0000 26 0000 0000", ok},
       {"subscription identifier from a client", "30", "0001 'a' 02 0b01", protocol},
       {"receive maximum in PUBLISH", "30", "0001 'a' 03 210001", malformed},  // 5:u2.2.2.2-1
       {"will delay in PUBLISH", "30", "0001 'a' 05 1800000001", malformed},
       {"property cut off", "30", "0001 'a' 02 0200 000001", malformed},
       {"property length not minimal", "30", "0001 'a' 8000", malformed},  // 5:1.5.5-1
       {"property length of five bytes", "30", "0001 'a' 8080808001", malformed}});
  check_rules(Side::client, Version::v5,
              {{"identifiers", "30", "0001 'a' 07 0b01 0b ffffff7f", ok},  // 5:u3.3.2.3.8-1
               {"identifier 0", "30", "0001 'a' 02 0b00", protocol}});     // 5:u3.3.2.3.8-1
}

TEST_CASE("PUBLISH of 3.x") {
  check_rules(Side::server, Version::v311,
              {{"QoS 0", "30", "0001 'a' 00 'payload'", ok},
               {"QoS 1", "32", "0001 'a' 0001", ok},
               {"QoS 3", "36", "0001 'a' 0001", malformed},               // 3:3.3.1-4
               {"DUP at QoS 0", "38", "0001 'a'", malformed},             // 3:3.3.1-2
               {"packet identifier 0", "32", "0001 'a' 0000", protocol},  // 3:2.3.1-1 3:2.3.1-1
               {"topic not UTF-8", "30", "0001 ff", malformed},           // 3:3.3.2-1 3:1.5.3-1
               {"topic with U+0000", "30", "0003 610062", malformed},     // 3:4.7.3-2 3:1.5.3-2
               {"empty topic", "30", "0000", protocol},                   // 3:4.7.3-1
               {"wildcard", "30", "0001 '#'", bad_topic}});               // 3:3.3.2-2 3:4.7.1-1
  check_rules(Side::server, Version::v31, {{"DUP at QoS 0", "38", "0001 'a'", ok}});
}

TEST_CASE("forwarded properties are a view where they touch") {
  Decoder decoder = connected(Side::server, Version::v5);
  Packet packet;
  std::size_t consumed = 0;
  const std::string bytes =
      packet_of("30", "0001 'a' 12 0101 03 0001 'c' 26 0001 'n' 0001 'v' 02 00000009 'p'");
  REQUIRE(decoder.decode(bytes, packet, consumed) == Decoded::packet);
  const PublishProperties& properties = packet.publish.properties;
  CHECK(properties.forward == bytes_of("0101 03 0001 'c' 26 0001 'n' 0001 'v'"));
  CHECK(properties.forward.data() > bytes.data());
  CHECK(properties.forward.data() < bytes.data() + bytes.size());
  CHECK(properties.message_expiry_s == 9);
  CHECK(packet.publish.payload == "p");
}

TEST_CASE("forwarded properties keep their order when others stand between") {
  Decoder decoder = connected(Side::server, Version::v5);
  Packet packet;
  std::size_t consumed = 0;
  const std::string bytes = packet_of("30",
                                      "0001 'a' 1a 26 0001 'n' 0001 '1' 02 00000009 "
                                      "26 0001 'n' 0001 '2' 23 0004 09 0001 ff");
  for (int round = 0; round < 2; ++round) {
    REQUIRE(decoder.decode(bytes, packet, consumed) == Decoded::packet);
    CHECK(packet.publish.properties.forward ==
          bytes_of("26 0001 'n' 0001 '1' 26 0001 'n' 0001 '2' 09 0001 ff"));
    CHECK(packet.publish.properties.message_expiry_s == 9);
    CHECK(packet.publish.properties.topic_alias == 4);
  }
}

TEST_CASE("acknowledgements") {
  check_rules(Side::server, Version::v5,
              {{"PUBACK", "40", "0001", ok},        // 5:u3.4.2.1-1
               {"with code", "40", "0001 10", ok},  // 5:u3.4.2.1-1
               {"with properties", "40", "0001 00 00", ok},
               {"reason string", "40", "0001 80 04 1f 0001 'x'", ok},
               {"reason string twice", "40", "0001 80 06 1f0000 1f0000", protocol},  // 5:u3.4.2.2-1
               {"identifier 0", "40", "0000", protocol},
               {"flags", "41", "0001", malformed},
               {"one byte", "40", "00", malformed},
               {"code 0x92 is none of PUBACK", "40", "0001 92", protocol},  // 5:3.4.2-1
               {"code 0x05 does not exist", "40", "0001 05", protocol},
               {"PUBREC", "50", "0001 91", ok},  // 5:3.5.2-1
               {"PUBREL", "62", "0001 92", ok},
               {"PUBREL flags 0", "60", "0001", malformed},                // 5:3.6.1-1 3:3.6.1-1
               {"PUBREL with code of PUBACK", "62", "0001 10", protocol},  // 5:3.6.2-1
               {"PUBCOMP", "70", "0001", ok},                              // 5:3.7.2-1
               {"expiry in PUBACK", "40", "0001 00 05 1100000001", malformed}});
  check_rules(Side::server, Version::v311,
              {{"PUBACK", "40", "0001", ok},
               {"with code", "40", "0001 00", malformed},
               {"PUBREL with DUP", "6a", "0001", malformed}});  // 3:3.6.1-1
  check_rules(Side::server, Version::v31, {{"PUBREL with DUP", "6a", "0001", ok}});
}
