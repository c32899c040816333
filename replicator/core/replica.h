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
#include <deque>
#include <string>
#include <utility>

#include "replicator/core/action.h"
#include "replicator/core/event.h"
#include "replicator/core/types.h"
#include "replicator/core/wire.h"

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

class Replica {
 public:
  explicit Replica(ReplicaConfig config);

  // Appends to out.actions; the caller clears.
  void step(const Event& event, Output& out);

  ReplicaStatus status() const;
  Meeting meeting() const;
  const Meta& meta() const { return meta_; }
  // Body version in which records of this kind are written: the newest that the peer can read as
  // well. 0: the kind must not be written.
  std::uint8_t writes(std::uint16_t kind) const { return version_in(writes_, kind); }
  Role role() const { return meta_.role; }
  Epoch epoch() const { return epoch_; }  // of the own reign, or of the primary last followed
  Lsn last() const { return last_; }
  Lsn committed() const { return committed_; }
  // Oldest record that the peer may still need from the journal; 0 when there is no peer.
  Lsn peer_needs_from() const;

 private:
  friend Status check_invariants(const Replica& replica);

  // The rule by which a primary commits. Resyncing is `solo` with a peer that catches up.
  enum class Mode : std::uint8_t { paired, waiting, solo };
  enum class Stream : std::uint8_t { none, snapshot_wanted, snapshot, records };

  // What a primary knows about the standby on the present link.
  struct Follower {
    Stream stream = Stream::none;
    bool in_sync = false;  // it counts itself so, durably, and said so
    bool sending = false;  // SendRecords is out, RecordsSent is not back
    Lsn begin = 0;         // what it held when the stream began
    Lsn sent = 0;
    Lsn received = 0;
    Lsn synced = 0;
    Lsn snapshot_lsn = 0;
    Lsn required_from = 0;             // commits need it from here on; 0: not yet
    Lsn announced = 0;                 // InSync{announced} was sent; 0: not yet
    Lsn ready_at = 0;                  // waiting becomes paired when it has received this
    std::uint64_t waits_since_ms = 0;  // a confirmation is due since; 0: none is
    std::size_t unconfirmed_bytes = 0;
    std::deque<std::pair<Lsn, std::size_t>> batches;  // sent, not confirmed
  };
  // What a standby knows about the primary on the present link.
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

  // replica.cpp: what every role does
  void on(const event::Started&);
  void on(const event::Tick&);
  void on(const event::Appended&);
  void on(const event::Written&);
  void on(const event::Synced&);
  void on(const event::JournalTrimmed&);
  void act(Action action) { out_->actions.push_back(std::move(action)); }
  void send(Message message);
  void persist();
  void say(std::string reason);
  void request_sync();
  void watch_silence();
  void watch_confirmations();
  void report_changes();
  bool in_sync() const { return meta_.in_sync && confirmed_ && !meta_.needs_snapshot; }
  bool primary() const { return meta_.role == Role::primary; }
  PairState pair_state() const;
  double progress() const;

  // replica_handshake.cpp: the link comes and goes, two Hellos meet
  void on(const event::LinkUp&);
  void on(const event::LinkDown&);
  void on(const event::Received&);
  void on_message(const msg::Hello&);
  void on_message(const msg::Goodbye&);
  void on_message(const msg::Reject&);
  void on_message(const msg::Heartbeat&);
#ifdef TANDEMQ_NEXT
  void on_message(const msg::Remark& m) {
    meeting_.peer_software += ", " + m.text;
  }
#endif
  void on(const event::PeerRefused&);
  NodeIdentity identity() const;
  msg::Hello own_hello() const;
  void reject(const std::string& reason);
  bool heed_epoch(const msg::Hello& peer);
  void meet(const msg::Hello& peer);
  void agree_on(Features features);
  void compare_with(const msg::Hello& peer);
  void drop_link(const std::string& reason, bool back_off);
  void protocol_error(const std::string& reason) {
    drop_link(reason, true);
  }
  void link_lost(const std::string& reason);

  // replica_primary.cpp: stream, confirmations, commit
  void on(const event::RecordsSent&);
  void on_message(const msg::Confirm&);
  void lead(const msg::Hello& peer);
  void pump();
  void write_own();
  void follow_progress();
  void announce_in_sync();
  void now_paired(std::string reason);
  void take_confirmation(const msg::Confirm& confirm);
  void commit();
  Lsn commit_candidate() const;
  bool by_sync() const {
    return config_.commit == CommitRule::replicated_synced;
  }
  // What the standby has confirmed in the sense of the commit rule.
  Lsn confirmed_there() const {
    return by_sync() ? follower_.synced : follower_.received;
  }
  Lsn append_control(ControlKind kind, std::string reason);

  // replica_snapshot.cpp: both ends of a resync by snapshot
  void on(const event::SnapshotReady&);
  void on(const event::SnapshotSent&);
  void on(const event::SnapshotInstalled&);
  void on_message(const msg::NeedSnapshot&);
  void on_message(const msg::SnapshotBegin&);
  void on_message(const msg::SnapshotChunk&);
  void on_message(const msg::SnapshotEnd&);
  void stream_snapshot(const std::string& reason);

  // replica_standby.cpp: following
  void on(const event::Rebuilt&);
  void on_message(const msg::Follow&);
  void on_message(const msg::Records&);
  void on_message(const msg::InSync&);
  Status check_follow(const msg::Follow& follow) const;
  void cut_after(Lsn lsn, bool rebuild);
  void settle_as_follower();
  void written_as_standby();
  void become_in_sync();
  void apply_all();
  void confirm();

  // replica_promotion.cpp: orders of the agent, changes of role
  void on(const event::Promote&);
  void on(const event::Demote&);
  void on(const event::GoSolo&);
  void on(const event::LoseSync&);
  void on(const event::Leave&);
  void on(const event::Switchover&);
  void on_message(const msg::SwitchoverOffer&);
  void on_message(const msg::SwitchoverAccept&);
  void refuse(std::string reason) {
    out_->refusal = std::move(reason);
  }
  Epoch next_epoch(Epoch at_least) const;
  void reign(Epoch epoch, bool accepting_offer, std::string reason);
  void go_solo(std::string reason);
  void step_down(bool keeps_sync);
  void hand_over_when_drained();
  void end_switchover(bool ok, std::string reason);

  ReplicaConfig config_;
  const KindTable readable_;  // by config_.known
  KindTable writes_{};        // by meta_.agreed
  Output* out_ = nullptr;     // during step() only
  std::uint64_t now_ms_ = 0;
  Meta meta_;
  Meta durable_;  // as last persisted
  Epoch epoch_ = 0;
  Lsn first_ = 0;  // oldest record in the journal, 0: none
  Lsn last_ = 0;
  Lsn written_ = 0;
  Lsn synced_ = 0;
  Lsn applied_ = 0;         // standby: Apply was given up to here
  Lsn committed_ = 0;       // standby: as far as it heard
  bool confirmed_ = false;  // the claim meta_.in_sync was confirmed since the start
  std::uint64_t sync_asked_ms_ = 0;
  std::uint64_t ticked_ms_ = 0;

  bool link_ = false;                // there is a link
  bool greeted_ = false;             // the peer's Hello was accepted on it
  std::uint64_t heard_ms_ = 0;       // last sign of life
  std::uint64_t beat_ms_ = 0;        // last sign of life given
  Lsn peer_received_ = 0;            // survives the link: what to keep for it in the journal
  bool peer_by_sync_ = false;        // as its Hello said
  std::uint64_t peer_messages_ = 0;  // likewise
  Meeting meeting_;                  // survives the link
  std::uint64_t refused_ms_ = 0;     // when meeting_.refused was last said by the link
  Follower follower_;
  Leader leader_;

  Mode mode_ = Mode::waiting;
  Lsn solo_from_ = 0;          // went_solo record, synced before solo commits
  bool handing_over_ = false;  // a switchover drains
  bool offered_ = false;       // stepped down, the offer is out
  std::uint64_t handing_over_since_ms_ = 0;

  std::string reason_ = "not started";  // of the last change
  bool said_ = false;                   // ... in this step
  struct Reported {
    Role role = Role::standby;
    PairState pair_state = PairState::waiting;
    bool in_sync = false;
    bool connected = false;
    bool told_in_sync = false;  // primary: the peer may count itself in sync on this link
    bool operator==(const Reported&) const = default;
  } reported_;
  std::uint64_t change_ = 0;
};

// Checked after every step in tests and the simulator; the error names what is broken.
Status check_invariants(const Replica& replica);

}  // namespace tandemq::repl
