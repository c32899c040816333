#include "broker/mqtt/ack_run.h"
#include "tests/unit/mqtt/rules.h"

using namespace tandemq::mqtt;
using namespace tandemq::mqtt::test;

namespace {
constexpr Reason ok = Reason::success;
constexpr Reason malformed = Reason::malformed_packet;
constexpr Reason protocol = Reason::protocol_error;

Decoded decode(Decoder& decoder, std::string_view bytes) {
  Packet packet;
  std::size_t consumed = 0;
  return decoder.decode(bytes, packet, consumed);
}
}  // namespace

TEST_CASE("SUBSCRIBE") {
  check_rules(
      Side::server, Version::v5,
      {{"one", "82", "0001 00 0001 'a' 02", ok},
       {"all options", "82", "0001 00 0001 'a' 2e", ok},
       {"flags 0", "80", "0001 00 0001 'a' 02", malformed},      // 5:3.8.1-1 3:3.8.1-1
       {"identifier 0", "82", "0000 00 0001 'a' 02", protocol},  // 3:2.3.1-1
       {"no filter", "82", "0001 00", protocol},
       {"no options", "82", "0001 00 0001 'a'", malformed},
       {"QoS 3", "82", "0001 00 0001 'a' 03", protocol},              // 5:u3.8.3.1-1
       {"retain handling 3", "82", "0001 00 0001 'a' 30", protocol},  // 5:u3.8.3.1-1
       {"reserved option", "82", "0001 00 0001 'a' 40", malformed},   // 5:3.8.3-5
       {"reserved option", "82", "0001 00 0001 'a' 80", malformed},
       {"filter not UTF-8", "82", "0001 00 0001 ff 00", malformed},
       {"no local on shared", "82", "0001 00 000a '$share/g/a' 04", protocol},
       {"shared", "82", "0001 00 000a '$share/g/a' 01", ok},
       {"bad wildcard is left to SUBACK", "82", "0001 00 0002 'a#' 01", ok},
       {"identifier", "82", "0001 02 0b7f 0001 'a' 00", ok},
       {"identifier 0", "82", "0001 02 0b00 0001 'a' 00", protocol},           // 5:u3.8.2.1.2-1
       {"identifier twice", "82", "0001 04 0b01 0b01 0001 'a' 00", protocol},  // 5:u3.8.2.1.2-1
       {"reason string in SUBSCRIBE", "82", "0001 03 1f0000 0001 'a' 00", malformed}});
  check_rules(Side::server, Version::v311,
              {{"two", "82", "0001 0001 'a' 00 0001 'b' 02", ok},
               {"QoS 3", "82", "0001 0001 'a' 03", malformed},          // 3:3.8.3-4
               {"option of 5.0", "82", "0001 0001 'a' 04", malformed},  // 3:3.8.3-4
               {"no filter", "82", "0001", protocol},
               {"with DUP", "8a", "0001 0001 'a' 00", malformed}});  // 3:3.8.1-1
  check_rules(Side::server, Version::v31, {{"with DUP", "8a", "0001 0001 'a' 00", ok}});
}

TEST_CASE("UNSUBSCRIBE") {
  check_rules(Side::server, Version::v5,
              {{"one", "a2", "0001 00 0001 'a'", ok},
               {"flags", "a0", "0001 00 0001 'a'", malformed},  // 5:3.10.1-1 3:3.10.1-1
               {"no filter", "a2", "0001 00", protocol},
               {"identifier 0", "a2", "0000 00 0001 'a'", protocol},
               {"filter not UTF-8", "a2", "0001 00 0001 c3", malformed},
               {"subscription identifier", "a2", "0001 02 0b01 0001 'a'", malformed}});
}

TEST_CASE("SUBACK and UNSUBACK") {
  check_rules(Side::client, Version::v5,
              {{"granted", "90", "0001 00 00 01 02 8f", ok},
               {"no code", "90", "0001 00", protocol},
               {"code 0x11 is none of SUBACK", "90", "0001 00 11", protocol},
               {"unsubscribed", "b0", "0001 00 00 11", ok},
               {"code 1 is none of UNSUBACK", "b0", "0001 00 01", protocol}});
  check_rules(Side::client, Version::v311,
              {{"granted", "90", "0001 00 02 80", ok},
               {"code 3", "90", "0001 03", protocol},
               {"code of 5.0", "90", "0001 87", protocol},
               {"UNSUBACK", "b0", "0001", ok},
               {"UNSUBACK with codes", "b0", "0001 00", malformed}});
}

TEST_CASE("PINGREQ, PINGRESP, DISCONNECT, AUTH") {
  check_rules(Side::server, Version::v5,
              {{"PINGREQ", "c0", "", ok},
               {"PINGREQ with body", "c0", "00", malformed},
               {"PINGREQ flags", "c1", "", malformed},  // 5:2.1.3-1 3:2.2.2-1 3:2.2.2-2
               {"DISCONNECT", "e0", "", ok},            // 5:u3.14.2.1-1
               {"with will", "e0", "04", ok},           // 5:u3.14.2.1-1
               {"expiry", "e0", "00 05 1100000001", ok},
               {"server reference from a client", "e0", "00 03 1c0000", protocol},
               {"code of the server", "e0", "8e", protocol},  // 5:3.14.2-1
               {"flags", "e1", "", malformed},                // 5:3.14.1-1 3:3.14.1-1
               {"code 1", "e0", "01", protocol},
               {"AUTH", "f0", "18 04 15 0001 'x'", ok},
               {"AUTH again", "f0", "19 04 15 0001 'x'", ok},
               {"AUTH without method", "f0", "18 00", protocol},  // 5:u3.15.2.1-1
               {"AUTH success from a client", "f0", "00 04 15 0001 'x'", protocol},  // 5:3.15.2-1
               {"AUTH empty from a client", "f0", "", protocol},      // 5:u3.15.2.1-1
               {"AUTH flags", "f2", "18 04 15 0001 'x'", malformed},  // 5:3.15.1-1
               {"CONNACK to a server", "20", "00 00 00", protocol},
               {"SUBACK to a server", "90", "0001 00 00", protocol},
               {"UNSUBACK to a server", "b0", "0001 00 00", protocol},
               {"PINGRESP to a server", "d0", "", protocol},
               {"type 0", "00", "", malformed}});
  check_rules(Side::client, Version::v5,
              {{"PINGRESP", "d0", "", ok},
               {"DISCONNECT", "e0", "8e", ok},
               {"with will from a server", "e0", "04", protocol},
               {"expiry from a server", "e0", "00 05 1100000001", protocol},  // 5:3.14.2-2
               {"server reference", "e0", "9c 04 1c 0001 'x'", ok},
               {"AUTH", "f0", "", ok},
               {"re-authenticate from a server", "f0", "19 04 15 0001 'x'", protocol},
               {"CONNECT to a client", "10", "0004 'MQTT' 05 02 003c 00 0000", protocol},
               {"SUBSCRIBE to a client", "82", "0001 00 0001 'a' 02", protocol},
               {"PINGREQ to a client", "c0", "", protocol}});
  check_rules(Side::server, Version::v311,
              {{"DISCONNECT", "e0", "", ok},
               {"DISCONNECT with code", "e0", "00", malformed},
               {"AUTH", "f0", "", malformed}});
  check_rules(Side::client, Version::v311, {{"DISCONNECT", "e0", "", protocol}});
}

TEST_CASE("fixed header: remaining length [5:u2.1.4-1 5:1.5.5-1]") {
  Decoder v5 = connected(Side::server, Version::v5);
  CHECK(decode(v5, bytes_of("c0 80 00")) == Decoded::error);  // not minimal
  CHECK(v5.error_reason() == malformed);
  CHECK(decode(v5, bytes_of("30 80 80 80 80 01")) == Decoded::error);
  CHECK(v5.error_reason() == malformed);
  CHECK(decode(v5, bytes_of("30 80 80 80")) == Decoded::need_more);
  CHECK(decode(v5, bytes_of("30 ff ff ff 7f")) == Decoded::need_more);
  Decoder v311 = connected(Side::server, Version::v311);
  CHECK(decode(v311, bytes_of("c0 80 00")) == Decoded::packet);  // 3.1.1 does not demand it
  Decoder first;
  CHECK(decode(first, bytes_of("10 8d 00 0004 'MQTT' 05 02 003c 00 0000")) == Decoded::error);
  CHECK(first.error_reason() == malformed);
}

TEST_CASE(
    "a packet that is too large is refused from its header alone [5:u3.2.2.3.6-1 5:u2.1.4-1]") {
  Decoder decoder(Side::server, 100);
  CHECK(decode(decoder, bytes_of("10 62")) == Decoded::need_more);  // 100 bytes in all
  CHECK(decode(decoder, bytes_of("10 63")) == Decoded::error);
  CHECK(decoder.error_reason() == Reason::packet_too_large);
  CHECK(decode(decoder, bytes_of("10 ff ff ff 7f")) == Decoded::error);
  CHECK(decoder.error_reason() == Reason::packet_too_large);
}

TEST_CASE(
    "reason strings and user properties are left out when too large [5:3.2.2-19 5:3.2.2-20 "
    "5:3.4.2-2 5:3.4.2-3 5:3.5.2-2 5:3.5.2-3 5:3.6.2-2 5:3.6.2-3 5:3.7.2-2 5:3.7.2-3 5:3.9.2-1 "
    "5:3.9.2-2 5:3.11.2-1 5:3.11.2-2 5:3.14.2-3 5:3.14.2-4 5:3.1.2-24]") {
  Properties properties;
  properties.mark(Property::reason_string);
  properties.reason_string = "no";
  properties.user.push_back({"name", "value"});
  const auto check = [&](std::size_t bare, const auto& encode_within) {
    const auto size = [&](std::size_t maximum) {
      std::string out;
      encode_within(out, static_cast<std::uint32_t>(maximum));
      return out.size();
    };
    CHECK(size(0) == bare + 19);  // 14 for the user property, 5 for the reason string
    CHECK(size(bare + 19) == bare + 19);
    CHECK(size(bare + 18) == bare + 5);
    CHECK(size(bare + 5) == bare + 5);
    CHECK(size(bare + 4) == bare);
    CHECK(size(bare - 1) == 0);
  };
  for (const PacketType type :
       {PacketType::puback, PacketType::pubrec, PacketType::pubrel, PacketType::pubcomp}) {
    const Ack ack{7, Reason::not_authorized, properties};
    check(6, [&](std::string& out, std::uint32_t maximum) {
      encode_ack(out, Version::v5, type, ack, maximum);
    });
  }
  for (const PacketType type : {PacketType::suback, PacketType::unsuback}) {
    const SubscribeAck ack{7, {Reason::success}, properties};
    check(6, [&](std::string& out, std::uint32_t maximum) {
      encode_subscribe_ack(out, Version::v5, type, ack, maximum);
    });
  }
  const Connack connack{false, Reason::not_authorized, properties};
  check(5, [&](std::string& out, std::uint32_t maximum) {
    encode(out, Version::v5, connack, maximum);
  });
  const Disconnect disconnect{Reason::protocol_error, properties};
  check(4, [&](std::string& out, std::uint32_t maximum) {
    encode(out, Version::v5, disconnect, maximum);
  });
}

TEST_CASE("no properties are a length of 0 [5:2.2.2-1]") {
  std::string out;
  encode(out, Version::v5, Publish{"a", "x", 0, false, false, 0, {}});
  CHECK(out == bytes_of("3005 0001 'a' 00 'x'"));
  out.clear();
  encode(out, Version::v5, Connack{});
  CHECK(out == bytes_of("2003 00 00 00"));  // [5:3.2.2-1] the flags are 0 or 1
  for (const PacketType type : {PacketType::suback, PacketType::unsuback}) {
    out.clear();
    encode_subscribe_ack(out, Version::v5, type, {7, {Reason::success}, {}});
    CHECK(out.substr(1) == bytes_of("04 0007 00 00"));
  }
}

TEST_CASE("CONNACK of 3.1.1 has a return code or is not written [3:3.2.2-6]") {
  const auto written = [](Reason reason) {
    std::string out;
    Connack connack;
    connack.reason = reason;
    encode(out, Version::v311, connack);
    return out;
  };
  CHECK(written(Reason::unsupported_version) == bytes_of("20020001"));
  CHECK(written(Reason::client_id_not_valid) == bytes_of("20020002"));
  CHECK(written(Reason::server_busy) == bytes_of("20020003"));
  CHECK(written(Reason::bad_username_or_password) == bytes_of("20020004"));
  CHECK(written(Reason::not_authorized) == bytes_of("20020005"));
  CHECK(written(Reason::malformed_packet).empty());
}

TEST_CASE("SUBACK of 3.1.1 knows one failure [3:3.9.3-2]") {
  SubscribeAck suback;
  suback.packet_id = 1;
  suback.codes = {Reason::granted_qos1, Reason::not_authorized};
  std::string out;
  encode_subscribe_ack(out, Version::v311, PacketType::suback, suback);
  CHECK(out == bytes_of("9004 0001 01 80"));
}

TEST_CASE("short acknowledgements behind one another are a run") {
  const auto run_of = [](std::string_view bytes, std::size_t most = 100) {
    return ack_run(bytes, most);
  };
  const std::string acks("\x40\2\0\1\x40\2\1\0\x40\2\0", 11);  // the third is not whole
  const AckRun run = run_of(acks);
  REQUIRE(run.size() == 2);
  CHECK(run.type == PacketType::puback);
  CHECK(run.id(0) == 1);
  CHECK(run.id(1) == 256);
  CHECK(run_of(acks, 1).size() == 1);
  CHECK(run_of(acks, 0).size() == 0);
  CHECK(run_of({}).size() == 0);
  CHECK(run_of(std::string("\x62\2\0\1\x62\2\0\2\x40\2\0\3", 12)).size() == 2);
  CHECK(run_of(std::string("\x50\2\0\1\x50\3\0\2\0", 9)).size() == 1);
  CHECK(run_of(std::string("\x70\2\0\1\x70\2\0\0", 8)).size() == 1);  // no such identifier
  CHECK(run_of(std::string("\x60\2\0\1", 4)).size() == 0);            // a PUBREL has a flag
  CHECK(run_of(std::string("\x30\2\0\1", 4)).size() == 0);
}
