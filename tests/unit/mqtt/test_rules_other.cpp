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
  check_rules(Side::server, Version::v5,
              {{"one", "82", "0001 00 0001 'a' 02", ok},
               {"all options", "82", "0001 00 0001 'a' 2e", ok},
               {"flags 0", "80", "0001 00 0001 'a' 02", malformed},
               {"identifier 0", "82", "0000 00 0001 'a' 02", protocol},
               {"no filter", "82", "0001 00", protocol},
               {"no options", "82", "0001 00 0001 'a'", malformed},
               {"QoS 3", "82", "0001 00 0001 'a' 03", protocol},
               {"retain handling 3", "82", "0001 00 0001 'a' 30", protocol},
               {"reserved option", "82", "0001 00 0001 'a' 40", malformed},
               {"reserved option", "82", "0001 00 0001 'a' 80", malformed},
               {"filter not UTF-8", "82", "0001 00 0001 ff 00", malformed},
               {"no local on shared", "82", "0001 00 000a '$share/g/a' 04", protocol},
               {"shared", "82", "0001 00 000a '$share/g/a' 01", ok},
               {"bad wildcard is left to SUBACK", "82", "0001 00 0002 'a#' 01", ok},
               {"identifier", "82", "0001 02 0b7f 0001 'a' 00", ok},
               {"identifier 0", "82", "0001 02 0b00 0001 'a' 00", protocol},
               {"identifier twice", "82", "0001 04 0b01 0b01 0001 'a' 00", protocol},
               {"reason string in SUBSCRIBE", "82", "0001 03 1f0000 0001 'a' 00", malformed}});
  check_rules(Side::server, Version::v311,
              {{"two", "82", "0001 0001 'a' 00 0001 'b' 02", ok},
               {"QoS 3", "82", "0001 0001 'a' 03", malformed},
               {"option of 5.0", "82", "0001 0001 'a' 04", malformed},
               {"no filter", "82", "0001", protocol},
               {"with DUP", "8a", "0001 0001 'a' 00", malformed}});
  check_rules(Side::server, Version::v31, {{"with DUP", "8a", "0001 0001 'a' 00", ok}});
}

TEST_CASE("UNSUBSCRIBE") {
  check_rules(Side::server, Version::v5,
              {{"one", "a2", "0001 00 0001 'a'", ok},
               {"flags", "a0", "0001 00 0001 'a'", malformed},
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
               {"PINGREQ flags", "c1", "", malformed},
               {"DISCONNECT", "e0", "", ok},
               {"with will", "e0", "04", ok},
               {"expiry", "e0", "00 05 1100000001", ok},
               {"server reference from a client", "e0", "00 03 1c0000", protocol},
               {"code of the server", "e0", "8e", protocol},
               {"flags", "e1", "", malformed},
               {"code 1", "e0", "01", protocol},
               {"AUTH", "f0", "18 04 15 0001 'x'", ok},
               {"AUTH again", "f0", "19 04 15 0001 'x'", ok},
               {"AUTH without method", "f0", "18 00", protocol},
               {"AUTH success from a client", "f0", "00 04 15 0001 'x'", protocol},
               {"AUTH empty from a client", "f0", "", protocol},
               {"AUTH flags", "f2", "18 04 15 0001 'x'", malformed},
               {"CONNACK to a server", "20", "00 00 00", protocol},
               {"SUBACK to a server", "90", "0001 00 00", protocol},
               {"UNSUBACK to a server", "b0", "0001 00 00", protocol},
               {"PINGRESP to a server", "d0", "", protocol},
               {"type 0", "00", "", malformed}});
  check_rules(Side::client, Version::v5,
              {{"PINGRESP", "d0", "", ok},
               {"DISCONNECT", "e0", "8e", ok},
               {"with will from a server", "e0", "04", protocol},
               {"expiry from a server", "e0", "00 05 1100000001", protocol},
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

TEST_CASE("fixed header: remaining length") {
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

TEST_CASE("a packet that is too large is refused from its header alone") {
  Decoder decoder(Side::server, 100);
  CHECK(decode(decoder, bytes_of("10 62")) == Decoded::need_more);  // 100 bytes in all
  CHECK(decode(decoder, bytes_of("10 63")) == Decoded::error);
  CHECK(decoder.error_reason() == Reason::packet_too_large);
  CHECK(decode(decoder, bytes_of("10 ff ff ff 7f")) == Decoded::error);
  CHECK(decoder.error_reason() == Reason::packet_too_large);
}

TEST_CASE("optional properties are left out when the packet would be too large") {
  Ack ack;
  ack.packet_id = 7;
  ack.reason = Reason::not_authorized;
  ack.properties.mark(Property::reason_string);
  ack.properties.reason_string = "no";
  ack.properties.user.push_back({"name", "value"});
  const auto size = [&](std::uint32_t maximum) {
    std::string out;
    encode_ack(out, Version::v5, PacketType::puback, ack, maximum);
    return out.size();
  };
  CHECK(size(0) == 25);
  CHECK(size(25) == 25);
  CHECK(size(24) == 11);
  CHECK(size(11) == 11);
  CHECK(size(10) == 6);
  CHECK(size(5) == 0);
}

TEST_CASE("CONNACK of 3.1.1 has a return code or is not written") {
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

TEST_CASE("SUBACK of 3.1.1 knows one failure") {
  SubscribeAck suback;
  suback.packet_id = 1;
  suback.codes = {Reason::granted_qos1, Reason::not_authorized};
  std::string out;
  encode_subscribe_ack(out, Version::v311, PacketType::suback, suback);
  CHECK(out == bytes_of("9004 0001 01 80"));
}
