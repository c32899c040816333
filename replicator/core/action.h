// What a Replica wants done (replica.h): carried out in order, each completely before the next.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "replicator/core/frame.h"
#include "replicator/core/types.h"
#include "replicator/core/wire.h"

namespace tandemq::repl {

namespace action {

struct PersistMeta {  // durable
  Meta meta;
};
// Append a control record (body: pair time, reason; the driver writes it) and apply it to the
// state.
struct AppendControl {
  ControlKind kind;
  Epoch epoch;
  Lsn lsn;             // the one it must get
  std::string reason;  // went_solo only
};
struct AppendFrames {       // standby: put received, checked frames into the journal's buffer
  std::string_view frames;  // valid during the event that brought them
  Lsn first;
  Lsn last;
};
// Write the journal's buffer to the page cache; answer Written. The driver may put it off to the
// end of its turn, so that several batches share one write.
struct WriteJournal {};
struct RequestSync {};  // fdatasync of what is written; answer Synced
// Durable. Cut all records after `after`; those up to `quarantine_through` were or may have been
// acknowledged: keep them in a quarantine file. With `rebuild` bring the state back to `after` and
// answer Rebuilt.
struct CutJournal {
  Lsn after;
  Lsn quarantine_through;
  bool rebuild;
};
struct Send {  // any message but Records and the snapshot's
  Message message;
};
// Send the frames from..to, whole frames, at least one, about max_bytes at most; answer
// RecordsSent. from is at most one above what is written, or the first of the journal's buffer.
struct SendRecords {
  Lsn from;
  Lsn to;
  std::size_t max_bytes;
};
struct Apply {  // standby: apply to the state these records, all that it has received of late
  Lsn first;
  Lsn through;
};
struct Commit {  // primary: effects up to here may leave
  Lsn lsn;
};
struct MakeSnapshot {};  // answer SnapshotReady, some time later
struct SendSnapshot {    // stream SnapshotBegin, chunks, SnapshotEnd; answer SnapshotSent
  EpochHistory history;
};
struct ReleaseSnapshot {};  // not needed any more; stop streaming it
struct StoreSnapshot {      // a Begin (bytes empty, total set) or a chunk of a snapshot arrived
  Lsn lsn;
  std::uint64_t total;
  std::uint64_t offset;
  std::string_view bytes;  // valid during the event that brought them
};
// The file is whole and its checksum right: sync it, empty the journal so that it goes on after
// lsn, replace the state, all durably. Answer SnapshotInstalled.
struct InstallSnapshot {
  Lsn lsn;
};
struct LearnTime {
  TimeMs pair_time;
};
struct DropLink {  // close it (after what was sent); LinkDown is NOT reported for it
  std::string reason;
  bool back_off;  // true: the peer is wrong, do not hurry to connect again
};
struct StatusChanged {};  // status() has changed in role, pair state, in_sync or connection
struct SwitchoverDone {
  bool ok;
  std::string reason;
};
struct LeaveDone {};  // after the Goodbye, if one could be sent

}  // namespace action

using Action =
    std::variant<action::PersistMeta, action::AppendControl, action::AppendFrames,
                 action::WriteJournal, action::RequestSync, action::CutJournal, action::Send,
                 action::SendRecords, action::Apply, action::Commit, action::MakeSnapshot,
                 action::SendSnapshot, action::ReleaseSnapshot, action::StoreSnapshot,
                 action::InstallSnapshot, action::LearnTime, action::DropLink,
                 action::StatusChanged, action::SwitchoverDone, action::LeaveDone>;

struct Output {
  std::vector<Action> actions;
  std::string refusal;  // an order that was refused: why, in a sentence
  void clear() {
    actions.clear();
    refusal.clear();
  }
};

}  // namespace tandemq::repl
