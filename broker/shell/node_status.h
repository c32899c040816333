// What a node tells about itself: for the control socket, the metrics endpoint and $SYS.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/access/access.h"
#include "broker/checkpoint/checkpoint.h"
#include "broker/clients/counters.h"
#include "broker/clients/memory_ceiling.h"
#include "broker/core/engine.h"
#include "broker/core/state.h"
#include "broker/net/fronts.h"
#include "broker/shell/certificate_use.h"
#include "broker/shell/histogram.h"
#include "replicator/driver/replicator.h"

namespace tandemq::broker {

// A picture of the node at one moment; plain values, may be copied to another thread.
struct NodeStatus {
  std::string node, peer, data_dir;
  std::string busy;  // what the loop is about to stand still for; empty: nothing
  bool single = false;
  bool link_tls = false;
  bool listening = false;
  std::vector<std::uint16_t> ports;  // of its listeners
  repl::CommitRule commit = repl::CommitRule::replicated;
  repl::ReplicaStatus replica;
  repl::Meeting meeting;
  repl::JournalFigures journal;
  repl::LinkFigures link;
  repl::QuarantineFigures quarantine;
  CheckpointFigures checkpoint;
  core::StateFigures state;
  core::EngineCounters engine;
  ClientCounters clients;
  ClientFigures traffic;
  std::vector<CertificateUse> certificates;
  std::map<std::string, std::string> checksums;  // of the files of users and rules
  net::Handshakes::Counters handshakes;
  std::uint64_t memory_used = 0;  // bytes, resident
  std::uint64_t memory_max = 0;   // 0: none
  MemoryState memory = MemoryState::ample;
  std::uint64_t connections_waiting = 0;  // for limits.connect_rate_max
  LoginFigures logins;
  Histogram commit_latency, turn_length;
  std::uint64_t turn_ns_max = 0;  // longest turn since the start of the process
  std::uint64_t since_ms = 0;     // age of this role and pair state
  std::uint64_t uptime_ms = 0;
  std::uint64_t role_changes = 0;  // since the start of the process
  std::uint64_t pair_state_changes = 0;
  std::uint64_t sessions_before = 0;  // durable sessions connected when the reign began
  std::uint64_t sessions_back = 0;    // of them have come back
  std::int64_t first_client_ms = -1;  // from the begin of the reign, -1: none yet
};

}  // namespace tandemq::broker
