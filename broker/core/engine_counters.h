// Counters that the shell exports. They only grow, and belong to the process: each engine goes on
// with what those of earlier reigns have counted.
#pragma once

#include <cstdint>

namespace tandemq::core {

struct EngineCounters {
  std::uint64_t received[3] = {};   // PUBLISHes by QoS
  std::uint64_t delivered[3] = {};  // deliveries put up, by QoS
  std::uint64_t dropped_queue_full = 0;
  std::uint64_t dropped_expired = 0;
  std::uint64_t dropped_too_large = 0;
  std::uint64_t dropped_revoked = 0;  // queued or sent before the receiver lost the right to it
  std::uint64_t dropped_retained_full = 0;  // delivered, but not kept: retained_messages_max
  std::uint64_t refused_not_authorized = 0;
  std::uint64_t refused_others_session = 0;
  std::uint64_t refused_growth = 0;  // sessions, subscriptions, retained topics: memory is tight
  std::uint64_t wills_published = 0;
  std::uint64_t sessions_expired = 0;
  std::uint64_t protocol_errors = 0;
};

}  // namespace tandemq::core
