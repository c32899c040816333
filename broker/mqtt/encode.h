// Packets to bytes, appended to `out`. Nothing is validated here: callers pass what decode or the
// core produced; of Properties those are written that `present` names (user properties: if any).
// For 3.1 and 3.1.1 properties and reason codes are left out. Reason strings and user properties
// are left out when the packet would exceed `maximum_packet_size` (0: no limit), as 5.0 demands
// ([MQTT-3.4.2-2] and its kin); what is larger still is not written ([MQTT-3.1.2-24]).
#pragma once

#include <cstdint>
#include <string>

#include "broker/mqtt/packet.h"

namespace tandemq::mqtt {

void encode(std::string& out, const Connect& packet);
// 3.x: writes nothing when no return code fits the reason; then the connection is closed without
// CONNACK ([MQTT-3.2.2-6] of 3.1.1).
void encode(std::string& out, Version version, const Connack& packet,
            std::uint32_t maximum_packet_size = 0);
void encode(std::string& out, Version version, const Publish& packet);
// `type` is one of puback, pubrec, pubrel, pubcomp.
void encode_ack(std::string& out, Version version, PacketType type, const Ack& packet,
                std::uint32_t maximum_packet_size = 0);
// The same without properties.
void encode_ack(std::string& out, Version version, PacketType type, std::uint16_t packet_id,
                Reason reason);
void encode(std::string& out, Version version, const Subscribe& packet);
void encode(std::string& out, Version version, const Unsubscribe& packet);
// `type` is suback or unsuback.
void encode_subscribe_ack(std::string& out, Version version, PacketType type,
                          const SubscribeAck& packet, std::uint32_t maximum_packet_size = 0);
void encode(std::string& out, Version version, const Disconnect& packet,
            std::uint32_t maximum_packet_size = 0);
void encode(std::string& out, const Auth& packet, std::uint32_t maximum_packet_size = 0);
void encode_pingreq(std::string& out);
void encode_pingresp(std::string& out);

// Bytes that encode(Publish) would append.
std::size_t encoded_size(Version version, const Publish& packet);

}  // namespace tandemq::mqtt
