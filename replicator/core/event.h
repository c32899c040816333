// What happens to a Replica (replica.h).
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "replicator/core/types.h"
#include "replicator/core/wire.h"

namespace tandemq::repl {

namespace event {

// First event. `meta` as read (default-constructed when there is none), its history already
// corrected to what the journal holds. `last` is the last record in state and journal together.
struct Started {
  Meta meta;
  Lsn first = 0;  // oldest record in the journal, 0: none
  Lsn last = 0;
  Lsn synced = 0;  // what a recovery knows to be on disk
};
struct Tick {};  // every few milliseconds
struct LinkUp {};
struct LinkDown {
  std::string reason;
};
// Valid during the step only (Records and SnapshotChunk point into the receive buffer).
struct Received {
  const Message* message;
};
struct Appended {  // primary: records of clients are in the journal's buffer
  Lsn last;
};
struct Written {  // answer to WriteJournal: in the page cache
  Lsn lsn;
};
struct Synced {  // answer to RequestSync, some time later
  Lsn lsn;
};
struct RecordsSent {  // answer to SendRecords
  Lsn last;           // from-1: nothing was sent (link going down)
  std::size_t bytes;
};
struct PeerRefused {  // a connection from the peer's address did not get as far as LinkUp
  std::string reason;
};
struct JournalTrimmed {  // old segments were deleted
  Lsn first;
};
struct Rebuilt {  // answer to CutJournal with rebuild
  bool ok;
  std::string reason;
};
struct SnapshotReady {  // answer to MakeSnapshot
  bool ok;
  Lsn lsn;
  std::uint64_t bytes;
  std::string reason;
};
struct SnapshotSent {};     // answer to SendSnapshot: all of it is handed to the link
struct SnapshotInstalled {  // answer to InstallSnapshot
  bool ok;
  std::string reason;
};
// Orders. Output::refusal is not empty when refused; then nothing was done.
struct Promote {
  Epoch at_least = 0;
  bool force = false;
  // Where a node that holds nothing and is forced begins to count: above all reigns of a former
  // life with another disk, of which its peer may hold records.
  std::uint64_t counter_if_empty = 0;
  // The new reign is made durable and does not begin before Claimed, which comes next.
  bool claims_first = false;
};
struct Claimed {  // a disk takes its time: whether the order still stands when the reign is durable
  bool stands = false;
};
struct Demote {
  std::string reason;
};
struct GoSolo {
  std::string authority;  // "timeout", "operator", ...
};
struct LoseSync {  // the in-sync lease ran out
  std::string reason;
};
struct Leave {
  std::string reason;
};
struct Switchover {};
struct Ending {};  // this node is about to end: it takes no reign any more

}  // namespace event

using EventKind =
    std::variant<event::Started, event::Tick, event::LinkUp, event::LinkDown, event::Received,
                 event::PeerRefused, event::Appended, event::Written, event::Synced,
                 event::RecordsSent, event::JournalTrimmed, event::Rebuilt, event::SnapshotReady,
                 event::SnapshotSent, event::SnapshotInstalled, event::Promote, event::Claimed,
                 event::Demote, event::GoSolo, event::LoseSync, event::Leave, event::Switchover,
                 event::Ending>;
struct Event {
  EventKind what;
  std::uint64_t now_ms = 0;  // monotonic
};

}  // namespace tandemq::repl
