// Types of MQTT control packets, as the fixed header numbers them (5.0 section 2.1.2).
#pragma once

#include <cstdint>

namespace tandemq::mqtt {

enum class PacketType : std::uint8_t {
  connect = 1,
  connack,
  publish,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  subscribe,
  suback,
  unsubscribe,
  unsuback,
  pingreq,
  pingresp,
  disconnect,
  auth
};

}  // namespace tandemq::mqtt
