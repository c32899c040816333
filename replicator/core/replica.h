// The replication machine of one node: step(event) → actions. Pure: no clock (time comes with the
// event), no I/O, no randomness. The driver (replicator/driver) carries the actions out IN ORDER,
// each completely before the next, and feeds back the events that they name after the step. design:
// replication.md; docs/replication-protocol.md.
//
// What the driver must keep to:
// - An action that says "durable" is on the disk before the next action starts; if it fails the
//   process stops.
// - Appended is reported before any other event when records were put in the journal.
// - RecordsSent, Rebuilt and SnapshotInstalled are fed back before any other event. Written may be
//   put off behind further Received events of the same turn, not behind others.
// - Synced never speaks of records that were cut since.
// - After Apply the state holds everything up to that LSN.
// - Messages of one link arrive in order or the link breaks (TCP). LinkDown and DropLink end it:
//   nothing of an old link is delivered after it. One link at a time; LinkUp replaces an older one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "replicator/core/action.h"
#include "replicator/core/event.h"
#include "replicator/core/member.h"
#include "replicator/core/primary.h"
#include "replicator/core/replica_config.h"
#include "replicator/core/standby.h"
#include "replicator/core/types.h"
#include "replicator/core/wire.h"

namespace tandemq::repl {

class Replica {
 public:
  explicit Replica(ReplicaConfig config) : m_(std::move(config)) {}
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  // Appends to out.actions; the caller clears.
  void step(const Event& event, Output& out);

  ReplicaStatus status() const;
  Meeting meeting() const;
  const Meta& meta() const { return m_.meta; }
  // Body version in which records of this kind are written: the newest that the peer can read as
  // well. 0: the kind must not be written.
  std::uint8_t writes(std::uint16_t kind) const { return version_in(m_.writes, kind); }
  Role role() const { return m_.meta.role; }
  Epoch epoch() const { return m_.epoch; }  // of the own reign, or of the primary last followed
  Lsn last() const { return m_.last; }
  Lsn committed() const { return m_.committed; }
  // Oldest record that the peer may still need from the journal; 0 when there is no peer.
  Lsn peer_needs_from() const;

 private:
  friend Status check_invariants(const Replica& replica);

  // replica.cpp: what every role does
  void on(const event::Started&);
  void on(const event::Tick&);
  void on(const event::Appended&);
  void on(const event::Written&);
  void on(const event::Synced&);
  void on(const event::RecordsSent& e) { primary_.on(e); }
  void on(const event::JournalTrimmed&);
  void on(const event::Rebuilt& e) { standby_.on(e); }
  void on(const event::SnapshotReady& e) { heed(primary_.on(e)); }
  void on(const event::SnapshotSent& e) { primary_.on(e); }
  void on(const event::SnapshotInstalled& e) { heed(standby_.on(e)); }
  void watch_silence();
  void report_changes();

  // replica_handshake.cpp: the link comes and goes, two Hellos meet
  void on(const event::LinkUp&);
  void on(const event::LinkDown&);
  void on(const event::Received&);
  void on(const event::PeerRefused&);
  void on_message(const msg::Hello&);
  void on_message(const msg::Follow& m) { heed(standby_.on(m)); }
  void on_message(const msg::Records& m) { heed(standby_.on(m)); }
  void on_message(const msg::Confirm& m) { heed(primary_.on(m)); }
  void on_message(const msg::Heartbeat& m) { standby_.on(m); }
  void on_message(const msg::InSync& m) { heed(standby_.on(m)); }
  void on_message(const msg::NeedSnapshot& m) { heed(primary_.on(m)); }
  void on_message(const msg::SnapshotBegin& m) { heed(standby_.on(m)); }
  void on_message(const msg::SnapshotChunk& m) { heed(standby_.on(m)); }
  void on_message(const msg::SnapshotEnd& m) { heed(standby_.on(m)); }
  void on_message(const msg::Goodbye&);
  void on_message(const msg::Reject&);
#ifdef TANDEMQ_NEXT
  void on_message(const msg::Remark& m) {
    meeting_.peer_software += ", " + m.text;
  }
#endif
  void reject(const std::string& reason);
  bool heed_epoch(const msg::Hello& peer);
  void meet(const msg::Hello& peer);
  void heed(const LinkFault& fault);
  void drop_link(const std::string& reason, bool back_off);
  void link_lost(const std::string& reason);

  // replica_promotion.cpp: orders of the agent, changes of role
  void on(const event::Promote&);
  void on(const event::Claimed&);
  void on(const event::Demote&);
  void on(const event::GoSolo&);
  void on(const event::LoseSync&);
  void on(const event::Leave&);
  void on(const event::Switchover&);
  void on(const event::Ending&) {
    ends_ = true;
  }
  void on_message(const msg::SwitchoverOffer&);
  void on_message(const msg::SwitchoverAccept&);
  void refuse(std::string reason) {
    m_.out->refusal = std::move(reason);
  }
  Epoch next_epoch(Epoch at_least) const;
  Meta reigning(Epoch epoch) const;
  void reign(Epoch epoch, bool accepting_offer, std::string reason);
  void go_solo(std::string reason);
  void step_down(bool keeps_sync);
  void hand_over_when_drained();
  void left_alone();
  void end_switchover(bool ok, std::string reason);

  Member m_;
  Primary primary_{m_};
  Standby standby_{m_};

  std::uint64_t ticked_ms_ = 0;
  std::uint64_t heard_ms_ = 0;       // last word of the peer
  std::uint64_t patient_ms_ = 0;     // that, or the link's begin: its silence counts from here
  std::uint64_t beat_ms_ = 0;        // last sign of life given
  std::uint64_t peer_messages_ = 0;  // as its Hello said
  Meeting meeting_;                  // survives the link
  std::uint64_t refused_ms_ = 0;     // when meeting_.refused was last said by the link

  bool handing_over_ = false;  // a switchover drains
  bool offered_ = false;       // stepped down, the offer is out
  bool ends_ = false;          // takes no reign any more
  struct Intended {
    Epoch epoch = 0;
    std::string reason;
  };
  std::optional<Intended> reign_;  // durable, and the order for it is asked once more
  std::uint64_t handing_over_since_ms_ = 0;

  struct Reported {
    Role role = Role::standby;
    PairState pair_state = PairState::waiting;
    bool in_sync = false;
    bool claims = false;  // durably, confirmed or not
    bool connected = false;
    bool told_in_sync = false;  // primary: the peer may count itself in sync on this link
    bool operator==(const Reported&) const = default;
  } reported_;
  std::uint64_t change_ = 0;
};

// Checked after every step in tests and the simulator; the error names what is broken.
Status check_invariants(const Replica& replica);

}  // namespace tandemq::repl
