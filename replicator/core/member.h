// This node as a member of the pair: what it knows, whichever role it has, of itself, its journal
// and the link, and the way out for what it wants done. Shared by the parts of one Replica
// (replica.h), which alone make changes to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "replicator/core/action.h"
#include "replicator/core/features.h"
#include "replicator/core/replica_config.h"
#include "replicator/core/types.h"
#include "replicator/core/wire.h"

namespace tandemq::repl {

// Why the link must be dropped; nothing: it may stay.
using LinkFault = std::optional<action::DropLink>;
// The peer is wrong.
inline LinkFault protocol_error(std::string reason) {
  return action::DropLink{std::move(reason), true};
}

// Before a standby is in sync each node writes down what that needs, and its loop stands still for
// as long as the disk takes. Taken for silence, it would part the two again and again.
constexpr std::uint64_t kClaimPatienceMs = 1500;

struct Member {
  explicit Member(ReplicaConfig config_);

  bool primary() const { return meta.role == Role::primary; }
  bool in_sync() const { return meta.in_sync && confirmed && !meta.needs_snapshot; }
  // Commits wait for both disks.
  bool by_sync() const { return config.commit == CommitRule::replicated_synced; }
  msg::Hello hello() const;

  void act(Action action) { out->actions.push_back(std::move(action)); }
  void send(Message message);
  // Before what depends on it; nothing when nothing changed.
  void persist();
  // The reason of a change, a sentence for the operator.
  void say(std::string sentence);
  void agree_on(Features features);
  // Primary. Returns the record's LSN; the caller writes (Primary::write_own).
  Lsn append_control(ControlKind kind, std::string reason);
  void request_sync();

  const ReplicaConfig config;
  const KindTable readable;  // by config.known
  KindTable writes{};        // by meta.agreed
  Output* out = nullptr;     // during Replica::step() only
  std::uint64_t now_ms = 0;

  Meta meta;
  Meta durable;  // as last persisted
  Epoch epoch = 0;
  Lsn first = 0;  // oldest record in the journal, 0: none
  Lsn last = 0;
  Lsn written = 0;
  Lsn synced = 0;
  Lsn applied = 0;         // standby: Apply was given up to here
  Lsn committed = 0;       // standby: as far as it heard
  bool confirmed = false;  // the claim meta.in_sync was confirmed since the start
  std::uint64_t sync_asked_ms = 0;

  bool linked = false;   // there is a link
  bool greeted = false;  // the peer's Hello was accepted on it

  std::string reason = "not started";  // of the last change
  bool said = false;                   // ... in this step
};

// How far `at` is on the way from `begin` to `end`: 0 to 1.
double share_of_way(Lsn begin, Lsn at, Lsn end);

}  // namespace tandemq::repl
