// What a Replica is told when it is made (replica.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "replicator/core/types.h"

namespace tandemq::repl {

struct ReplicaConfig {
  bool single = false;  // no peer: solo for ever
  unsigned node_index = 1;
  std::string node_name;
  std::string peer_name;  // empty: any
  std::string pair_id;
  // The program: its version for words, what it can read, and what all releases can, which is
  // written before a peer was met.
  std::string software;
  Features known;
  Features baseline;
  std::vector<Setting> settings;  // compared with the peer's
  CommitRule commit = CommitRule::replicated;
  bool sync_when_solo = true;
  std::uint32_t sync_interval_ms = 100;
  std::uint32_t heartbeat_ms = 50;
  std::uint32_t peer_silence_ms = 250;
  std::uint32_t resync_silence_ms = 10000;  // of a standby that installs a snapshot
  std::uint32_t switchover_ms = 5000;       // then it is given up
  std::size_t window_bytes = 8u << 20;      // sent and not confirmed, at most
  std::size_t batch_bytes = 1u << 20;       // of one catch-up batch
};

}  // namespace tandemq::repl
