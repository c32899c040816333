// What the broker promises its clients and bounds its memory with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "broker/core/records.h"

namespace tandemq::core {

// A session's subscriptions: a delivery names each that matched, with a count of 16 bits.
constexpr std::uint32_t kSubscriptionsMax = 65535;

// A CONNECT of another user than the one whose session has the client id. What the session holds is
// the other's either way.
enum class OthersSession : std::uint8_t {
  refuse,  // with 0x85
  clean    // it ends, as by a clean start
};

// What gives way where a session's queue, or all together, may hold no more.
enum class QueueFull : std::uint8_t {
  drop_newest,  // the message is not queued
  drop_oldest   // the oldest that wait in this session's queue go for it
};

// A PUBLISH of a 3.1 or 3.1.1 client that it has no right to.
enum class DeniedPublish : std::uint8_t { acknowledge, disconnect };

struct Limits {
  // Unacknowledged QoS 1 and 2 PUBLISHes of a client, told in CONNACK. By default as many as there
  // are identifiers, which is what 3.1.1 clients have anyway: MQTT.js keeps to no lower one.
  std::uint16_t receive_maximum = 65535;
  std::uint16_t inflight_maximum = 1024;        // towards a client, lowered by its receive maximum
  std::uint32_t maximum_packet_size = 1 << 20;  // bytes, told in CONNACK; at most kPacketSizeMax
  std::uint16_t topic_alias_maximum = 16;
  std::uint32_t session_expiry_s_max = kNeverExpires;
  std::uint64_t queued_messages_max = 100'000;  // per session
  std::uint64_t queued_bytes_max = 256 << 20;   // per session, footprint of messages
  // Of all sessions, 0: no limit. Deliveries that are not finished, as StateFigures counts them.
  std::uint64_t queued_messages_total_max = 0;
  std::uint64_t queued_bytes_total_max = 0;
  bool queue_qos0_messages = false;  // also QoS 0 waits for a client that is away
  QueueFull queue_full = QueueFull::drop_newest;
  std::uint64_t retained_messages_max = 0;               // 0: no limit
  std::uint32_t subscriptions_per_session_max = 10'000;  // at most kSubscriptionsMax
  std::uint32_t topic_levels_max = 128;
  std::uint8_t maximum_qos = 2;  // of PUBLISHes both ways, told in CONNACK
  bool retain_available = true;
  std::uint16_t keep_alive_s_max = 0;  // a client's; 0: any, or none at all
  bool allow_zero_length_client_id = true;
  OthersSession others_session = OthersSession::refuse;
  DeniedPublish denied_publish = DeniedPublish::acknowledge;
  // Bytes, about, that one record names beside a message (receivers, filters): what is more goes
  // into further records. No setting, but small in tests.
  std::size_t record_list_bytes_max = kRecordListMax;
};

}  // namespace tandemq::core
