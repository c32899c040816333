// The one list of MQTT 5.0 properties (section 2.2.2.2, table 2-4): identifier, name, and who
// carries it. Property, the decoder's check of carriers and the test generators are made from it;
// every switch over Property is without `default`, so one that is left out does not compile.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "broker/mqtt/packet_type.h"

// X(identifier, name, carriers); carriers are constants of namespace carrier.
// Of PUBLISH and wills alone:
#define TMQ_MESSAGE_PROPERTIES(X)                       \
  X(0x01, payload_format, publish | will | forwarded)   \
  X(0x02, message_expiry, publish | will)               \
  X(0x03, content_type, publish | will | forwarded)     \
  X(0x08, response_topic, publish | will | forwarded)   \
  X(0x09, correlation_data, publish | will | forwarded) \
  X(0x18, will_delay, will)                             \
  X(0x23, topic_alias, publish)
// Of other packets alone:
#define TMQ_PACKET_PROPERTIES(X)                             \
  X(0x11, session_expiry, connect | connack | disconnect)    \
  X(0x12, assigned_client_id, connack)                       \
  X(0x13, server_keep_alive, connack)                        \
  X(0x15, authentication_method, connect | connack | auth)   \
  X(0x16, authentication_data, connect | connack | auth)     \
  X(0x17, request_problem_information, connect)              \
  X(0x19, request_response_information, connect)             \
  X(0x1a, response_information, connack)                     \
  X(0x1c, server_reference, connack | disconnect)            \
  X(0x1f, reason_string, connack | acks | disconnect | auth) \
  X(0x21, receive_maximum, connect | connack)                \
  X(0x22, topic_alias_maximum, connect | connack)            \
  X(0x24, maximum_qos, connack)                              \
  X(0x25, retain_available, connack)                         \
  X(0x27, maximum_packet_size, connect | connack)            \
  X(0x28, wildcard_available, connack)                       \
  X(0x29, subscription_identifier_available, connack)        \
  X(0x2a, shared_available, connack)
// Of both:
#define TMQ_COMMON_PROPERTIES(X)                                                                   \
  X(0x0b, subscription_identifier, publish | subscribe)                                            \
  X(0x26, user_property,                                                                           \
    publish | will | forwarded | connect | connack | acks | subscribe | unsubscribe | disconnect | \
        auth)
#define TMQ_PROPERTIES(X)   \
  TMQ_MESSAGE_PROPERTIES(X) \
  TMQ_PACKET_PROPERTIES(X)  \
  TMQ_COMMON_PROPERTIES(X)

namespace tandemq::mqtt {

enum class Property : std::uint8_t {
#define TMQ_X(identifier, name, carriers) name = identifier,
  TMQ_PROPERTIES(TMQ_X)
#undef TMQ_X
};

constexpr std::uint32_t carrier_of(PacketType type) {
  return 1u << static_cast<unsigned>(type);
}

namespace carrier {
constexpr std::uint32_t connect = carrier_of(PacketType::connect);
constexpr std::uint32_t connack = carrier_of(PacketType::connack);
constexpr std::uint32_t publish = carrier_of(PacketType::publish);
constexpr std::uint32_t acks = carrier_of(PacketType::puback) | carrier_of(PacketType::pubrec) |
                               carrier_of(PacketType::pubrel) | carrier_of(PacketType::pubcomp) |
                               carrier_of(PacketType::suback) | carrier_of(PacketType::unsuback);
constexpr std::uint32_t subscribe = carrier_of(PacketType::subscribe);
constexpr std::uint32_t unsubscribe = carrier_of(PacketType::unsubscribe);
constexpr std::uint32_t disconnect = carrier_of(PacketType::disconnect);
constexpr std::uint32_t auth = carrier_of(PacketType::auth);
constexpr std::uint32_t will = 1u << 0;
constexpr std::uint32_t forwarded = 1u << 16;  // travels from publisher to subscriber as it is
}  // namespace carrier

constexpr std::uint32_t kPropertyMax = 0x3f;  // no identifier is above

// By identifier: who carries it; 0: no such property.
inline constexpr std::array<std::uint32_t, kPropertyMax + 1> kCarriers = [] {
  using namespace carrier;
  std::array<std::uint32_t, kPropertyMax + 1> table{};
#define TMQ_X(identifier, name, carriers) table[identifier] = carriers;
  TMQ_PROPERTIES(TMQ_X)
#undef TMQ_X
  return table;
}();

// Bit n: property n has this carrier.
consteval std::uint64_t properties_with(std::uint32_t carriers) {
  std::uint64_t found = 0;
  for (std::uint32_t id = 0; id <= kPropertyMax; ++id)
    if (kCarriers[id] & carriers) found |= std::uint64_t{1} << id;
  return found;
}

#define TMQ_X(identifier, name, carriers) +1
static_assert(std::popcount(properties_with(~0u)) == TMQ_PROPERTIES(TMQ_X),
              "each property has an identifier of its own");
#undef TMQ_X

}  // namespace tandemq::mqtt
