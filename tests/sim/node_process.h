// What dies with the process of a node; for node*.cpp only.
#pragma once

#include "tests/sim/node.h"

namespace tandemq::sim {

struct Node::Process {
  std::unique_ptr<repl::Journal> journal;
  core::State state;
  std::unique_ptr<core::Engine> engine;
  repl::Replica replica;
  broker::Outbox outbox;
  Lsn released = 0;  // committed as far as clients are concerned

  std::map<core::ConnId, Connection> connections;
  std::deque<std::pair<core::ConnId, Request>> inbox;
  bool turn_due = false;
  bool serving = false;
  bool draining = false;  // a switchover: the listeners stay closed
  core::Effects effects;

  std::deque<repl::EventKind> feedback;
  bool stepping = false;
  bool dead = false;  // the journal has failed: nothing happens any more until the kill
  std::string refusal;

  std::string to_apply;  // frames received, not applied
  std::string receive_buffer;
  std::shared_ptr<const Image> snapshot;  // being streamed
  std::string arriving;                   // a snapshot, as bytes
  std::int64_t pair_offset_ms = 0;        // pair time minus local time
  TimeUs dial_at = 0;
  TimeUs checkpoint_at = 0;
  unsigned turns = 0;

  explicit Process(repl::ReplicaConfig config) : replica(std::move(config)) {}
};

}  // namespace tandemq::sim
