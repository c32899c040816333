// The standby's part of a Replica: follows the primary's stream, receives a snapshot where the
// journals have parted too far, and knows when it holds everything committed.
// docs/replication-protocol.md.
#pragma once

#include <cstdint>
#include <string>

#include "broker/base/result.h"
#include "replicator/core/event.h"
#include "replicator/core/member.h"

namespace tandemq::repl {

class Replica;

class Standby {
 public:
  explicit Standby(Member& member) : m_(member) {}

  // The two Hellos have met: `common` is the last record of both.
  void met(Lsn common) { leader_.common = common; }
  void link_lost() { leader_ = {}; }

  void written();
  void synced();
  void apply_all();
  void confirm();

  void on(const event::Rebuilt&);
  LinkFault on(const event::SnapshotInstalled&);
  LinkFault on(const msg::Follow&);
  LinkFault on(const msg::Records&);
  LinkFault on(const msg::InSync&);
  LinkFault on(const msg::SnapshotBegin&);
  LinkFault on(const msg::SnapshotChunk&);
  LinkFault on(const msg::SnapshotEnd&);
  void on(const msg::Heartbeat&);

  bool following() const { return leader_.following; }
  bool catches_up() const { return leader_.following && !m_.in_sync(); }
  bool confirms() const { return leader_.following && !leader_.waits_for_snapshot; }
  bool waits_for_snapshot() const { return leader_.waits_for_snapshot; }
  PairState pair_state() const;
  // Fills in what is its to know.
  void tell(ReplicaStatus& status) const;

 private:
  // What is known about the primary on the present link.
  struct Leader {
    bool following = false;  // Follow was accepted: Records are welcome
    bool sync_each = false;
    bool waits_for_snapshot = false;  // Records are ignored until it is there
    Lsn common = 0;                   // by the Hellos
    Lsn begin = 0;                    // what was held when the stream began
    Lsn target = 0;                   // the primary's last record as far as heard
    Lsn in_sync_at = 0;               // InSync came for a record not yet written; 0: none
    Lsn snapshot_lsn = 0;             // being received; 0: none
    std::uint64_t snapshot_bytes = 0;
    std::uint64_t snapshot_stored = 0;
    std::uint32_t snapshot_crc = 0;
    EpochHistory snapshot_history;
  };

  Status check_follow(const msg::Follow& follow) const;
  void cut_after(Lsn lsn, bool rebuild);
  void settle();
  void become_in_sync();

  Member& m_;
  Leader leader_;
};

}  // namespace tandemq::repl
