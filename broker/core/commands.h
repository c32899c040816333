// Commands: what clients (and time) ask of the core. Views are valid during the call only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/ids.h"
#include "broker/core/effects.h"
#include "broker/core/records.h"
#include "broker/mqtt/packet.h"

namespace tandemq::core {

// Where a command comes from: set by the shell from what it keeps per connection.
struct Origin {
  ConnId conn = 0;
  SessionId session = kNoSession;  // as returned by Engine::connect
  // QoS 1 PUBLISHes of this connection whose PUBACK has not gone out (it waits for commit).
  std::uint32_t unacknowledged = 0;
};

// What the broker promises its clients and bounds its memory with.
struct Limits {
  // Unacknowledged QoS 1 and 2 PUBLISHes of a client, told in CONNACK. By default as many as there
  // are identifiers, which is what 3.1.1 clients have anyway: MQTT.js keeps to no lower one.
  std::uint16_t receive_maximum = 65535;
  std::uint16_t inflight_maximum = 1024;        // towards a client, lowered by its receive maximum
  std::uint32_t maximum_packet_size = 1 << 20;  // bytes, told in CONNACK
  std::uint16_t topic_alias_maximum = 16;
  std::uint32_t session_expiry_s_max = kNeverExpires;
  std::uint64_t queued_messages_max = 100'000;  // per session
  std::uint64_t queued_bytes_max = 256 << 20;   // per session, footprint of messages
  std::uint64_t retained_messages_max = 0;      // 0: no limit
  std::uint32_t subscriptions_per_session_max = 10'000;
  std::uint32_t topic_levels_max = 128;
};

}  // namespace tandemq::core
