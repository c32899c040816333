// Words of replication that the pure machine, its driver and the broker share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/base/ids.h"
#include "replicator/core/features.h"

namespace tandemq::repl {

enum class CommitRule : std::uint8_t { replicated, replicated_synced };
enum class Role : std::uint8_t { standby, primary, fenced };
enum class PairState : std::uint8_t { paired, waiting, solo, resyncing };
const char* to_string(CommitRule);
const char* to_string(Role);
const char* to_string(PairState);

// Where a reign's records begin. A history is sorted by both members; records of an epoch reach to
// the record before the next entry, those of the last entry to the end of the journal.
struct EpochStart {
  Epoch epoch = 0;
  Lsn first = 0;
  bool operator==(const EpochStart&) const = default;
};
using EpochHistory = std::vector<EpochStart>;
constexpr std::size_t kHistoryMax =
    1024;  // entries kept; older ones are forgotten (then: snapshot)

// What a node knows durably about itself (meta.json, replaced atomically and synced).
struct Meta {
  std::string pair_id;  // empty: never started
  unsigned node_index = 0;
  Epoch epoch_seen = 0;         // highest epoch ever seen or taken; never goes back
  Role role = Role::standby;    // at the last change
  bool in_sync = false;         // claim: held all that was committed when this was written
  bool peer_in_sync = true;     // false: this node goes on alone ("durably solo") ...
  Lsn solo_from = 0;            // ... once it holds this record, which it syncs before it commits
  bool needs_snapshot = false;  // the state here is unusable until a snapshot is installed
  Lsn paired_at = 0;            // all before it may have been acknowledged under the solo rule
  EpochHistory history;
  // What both nodes can read, as of the last meeting that widened it: records are written by it
  // also while the peer is away, and what is here may hold anything of it. Never narrowed.
  Features agreed;
  std::string software;  // version of the program that wrote this, for words
  bool operator==(const Meta&) const = default;
};

// What a node knows of its peer's program and settings.
struct Meeting {
  std::string peer_software;  // version at the last Hello; empty: not met since the start
  std::string refused;        // why the two do not pair, in a sentence; empty: nothing known
  std::vector<Difference> differences;  // of settings, at the last Hello
  Features agreed;
};

struct ReplicaStatus {
  Role role = Role::standby;
  PairState pair_state = PairState::waiting;
  Epoch epoch = 0;
  Lsn last = 0;
  Lsn committed = 0;
  Lsn peer_received = 0;
  Lsn peer_synced = 0;
  bool in_sync = false;      // this node may be promoted without force
  bool was_in_sync = false;  // its durable claim, not confirmed by the peer since it started
  bool peer_in_sync = false;
  bool peer_connected = false;
  bool was_solo = false;       // durably solo: it may serve alone after a restart
  bool lost_alone = false;     // durably solo, and its state is unusable until a snapshot comes
  std::uint64_t change = 0;    // raised at every change of role, pair state or claim
  std::string reason;          // sentence for the last change
  double resync_progress = 0;  // 0 to 1 while resyncing
  std::uint64_t peer_silent_ms = 0;
};

}  // namespace tandemq::repl
