// What the data path counts; the loop copies it for the metrics endpoint about once a second.
#pragma once

#include <cstdint>

namespace tandemq::broker {

struct ClientCounters {  // only grow, but for unsent_bytes
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t packets_sent = 0;
  std::uint64_t payload_bytes_received = 0;  // of PUBLISHes
  std::uint64_t payload_bytes_sent = 0;
  std::uint64_t sends = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused_full = 0;  // over connections_max
  std::uint64_t refused_auth = 0;
  std::uint64_t connects = 0;  // accepted CONNECTs
  std::uint64_t sessions_resumed = 0;
  std::uint64_t timed_out = 0;             // keep-alive
  std::uint64_t malformed = 0;             // packets that the decoder refused
  std::uint64_t dropped_slow_reader = 0;   // QoS 0 PUBLISHes
  std::uint64_t dropped_rate_limited = 0;  // the same
  std::uint64_t publishers_held = 0;       // times that one above its rate was not read from
  std::uint64_t slow_readers_closed = 0;   // since memory was critical
  std::uint64_t effects_dropped = 0;  // for connections that were gone, or at the end of a reign
  std::uint64_t reads_paused = 0;     // times
  std::uint64_t publishes_sent = 0;
  std::uint64_t unsent_bytes = 0;     // now, of all connections
  std::uint64_t callback_ns_max = 0;  // longest handling of one connection
};

struct ClientFigures {
  std::uint64_t connections = 0;
  std::uint64_t held_effects = 0;
  std::uint64_t held_bytes = 0;
  bool reading_paused = false;
};

}  // namespace tandemq::broker
