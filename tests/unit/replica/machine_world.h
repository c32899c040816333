// Two replication machines with a disk that forgets what was not synced and a network that breaks,
// and the checks that must hold whatever happens to them. Deterministic.
#pragma once

#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "replicator/core/replica.h"

namespace tandemq::repl {

// What a record is, for comparing histories: its epoch and body.
using Identity = std::string;
Identity identity_of(const std::string& frame);
std::string pack(const std::vector<Identity>& state);  // as a snapshot's bytes

struct MachineNode {
  explicit MachineNode(unsigned index) : index(index) {}
  const unsigned index;
  ReplicaConfig config;
  std::unique_ptr<Replica> replica;  // null: down

  // Disk. Frames of records checkpoint.size()+1.. with what is synced of them.
  Meta meta;
  std::vector<Identity> checkpoint;
  std::vector<std::string> journal;
  Lsn synced = 0;
  std::vector<Identity> quarantined;

  // Memory.
  std::vector<Identity> state;
  Lsn applied_through = 0;
  bool sync_asked = false;
  bool snapshot_asked = false;
  bool connected = false;
  std::deque<std::string> inbox;  // messages under way to this node
  bool closing = false;           // the connection ends behind the inbox
  std::vector<Identity> snapshot_out, snapshot_in;
  std::string refusal;
  std::vector<std::string> actions;  // names of what was carried out, for scenarios
  bool switchover_done = false, switchover_ok = false;

  Lsn first() const { return journal.empty() ? 0 : checkpoint.size() + 1; }
  Lsn last() const { return checkpoint.size() + journal.size(); }
  ReplicaStatus status() const { return replica->status(); }
};

class MachineWorld {
 public:
  explicit MachineWorld(CommitRule rule = CommitRule::replicated);

  MachineNode& peer_of(MachineNode& node) { return node.index == 1 ? b : a; }
  void start(MachineNode& node);
  void kill(MachineNode& node);        // the process: the page cache stays
  void lose_power(MachineNode& node);  // what was not synced is gone
  // Of a node that is down.
  void damage(MachineNode& node);        // its journal, as recovery finds it
  void replace_disk(MachineNode& node);  // by an empty one
  void connect();                        // where both are up and neither has a link
  void cut();                            // both hear of it; what was under way is lost
  std::string order(MachineNode& node, EventKind what);  // the refusal
  void append(MachineNode& node, int records = 1);       // one turn of the primary
  bool deliver(MachineNode& node);                       // one message; false: none
  bool finish_sync(MachineNode& node);
  bool finish_snapshot(MachineNode& node);
  void trim(MachineNode& node, Lsn through);  // a checkpoint, then old segments go
  void tick(std::uint64_t ms = 10);
  // Delivers, syncs and ticks until nothing more happens by itself.
  void settle();
  // Both started, a promoted, paired.
  void pair_up();
  // A primary that went alone has told its standby, back again, that it is in sync.
  void tell_standby();

  MachineNode a{1};
  MachineNode b{2};
  bool network = true;
  std::uint64_t now_ms = 1000;
  // Orders to promote have a deadline, and stand when the new reign is durable, or do not.
  bool claims_first = false, in_time = true;
  bool forced = false;                // a promotion by force happened: losses are allowed
  std::map<Lsn, Identity> committed;  // by any node, ever
  bool trace = std::getenv("REPLICA_TRACE") != nullptr;
  std::string broken;  // the first check that failed

 private:
  void step(MachineNode& node, EventKind what);
  void carry_out(MachineNode& node, const Action& action, std::deque<EventKind>& follow_up);
  void cut_journal(MachineNode& node, const action::CutJournal& cut);
  void install(MachineNode& node, Lsn lsn);
  void stream_snapshot(MachineNode& node, const EpochHistory& history);
  void print_event(const MachineNode& node, const EventKind& what) const;
  void check(MachineNode& node);
  void check_committed(MachineNode& node, Lsn through);
  void check_promoted(MachineNode& node);
  void broke(const std::string& what);
  void send(MachineNode& node, const Message& message);
  void add(MachineNode& node, Epoch epoch, std::uint16_t kind, const std::string& body);

  std::uint64_t bodies_ = 0;
};

}  // namespace tandemq::repl
