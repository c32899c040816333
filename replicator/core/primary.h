// The primary's part of a Replica: streams its records to the standby (or a snapshot first), takes
// confirmations, and decides what is committed, when the standby is in sync, and when this node may
// commit alone. docs/replication-protocol.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "replicator/core/event.h"
#include "replicator/core/member.h"

namespace tandemq::repl {

class Replica;

class Primary {
 public:
  explicit Primary(Member& member) : m_(member) {}

  // The reign begins, alone or not: its first records. The caller writes (write_own).
  void begin(bool alone);
  void end();
  void link_lost();

  // The peer's Hello is accepted and it does not reign: say where its stream starts.
  void lead(const msg::Hello& peer, Lsn common);
  // New records of this node: to the peer first, so that it works while we write.
  void write_own();
  void written();
  void commit();
  // The link is gone: that the peer is out of sync is recorded, then commits need it no more.
  void go_solo(std::string reason);
  void watch_confirmations();
  void make_due_snapshot();
  // This node stood still: what came meanwhile is not looked at yet.
  void slept();

  void on(const event::RecordsSent&);
  LinkFault on(const event::JournalTrimmed&) const;
  LinkFault on(const event::SnapshotReady&);
  void on(const event::SnapshotSent&);
  LinkFault on(const msg::Confirm&);
  LinkFault on(const msg::NeedSnapshot&);

  bool paired() const { return mode_ == Mode::paired; }
  bool solo() const { return mode_ == Mode::solo; }
  // The standby may count itself in sync on this link.
  bool told_in_sync() const { return follower_.in_sync || follower_.announced != 0; }
  // The standby is busy with what it lacks: it answers late.
  bool brings_up_to_date() const;
  bool catches_up() const { return follower_.stream != Stream::none && !follower_.in_sync; }
  // Everything there is stands on both nodes and is committed.
  bool drained() const;
  // Oldest record that the peer may still need from the journal.
  Lsn needed_from() const;
  PairState pair_state() const;
  // Fills in what is its to know.
  void tell(ReplicaStatus& status) const;

 private:
  friend Status check_invariants(const Replica& replica);

  // The rule by which a primary commits. Resyncing is `solo` with a peer that catches up.
  enum class Mode : std::uint8_t { paired, waiting, solo };
  enum class Stream : std::uint8_t { none, snapshot_wanted, snapshot, records };

  // What is known about the standby on the present link.
  struct Follower {
    Stream stream = Stream::none;
    bool in_sync = false;             // it counts itself so, durably, and said so
    bool sending = false;             // SendRecords is out, RecordsSent is not back
    bool snapshot_postponed = false;  // until snapshot_not_before_ms_; MakeSnapshot is not out
    Lsn begin = 0;                    // what it held when the stream began
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

  void pump();
  void stream_snapshot(const std::string& reason);
  void make_snapshot();
  void release_snapshot();
  void take_confirmation(const msg::Confirm& confirm);
  void follow_progress();
  void announce_in_sync();
  void now_paired(std::string reason);
  Lsn commit_candidate() const;
  // What the standby has confirmed in the sense of the commit rule.
  Lsn confirmed_there() const { return m_.by_sync() ? follower_.synced : follower_.received; }

  Member& m_;
  Follower follower_;
  Mode mode_ = Mode::waiting;
  Lsn solo_from_ = 0;      // went_solo record, synced before solo commits
  Lsn peer_received_ = 0;  // survives the link: what to keep for it in the journal
  // A snapshot that is not made, not stored or not installed is tried again after ever longer
  // pauses, until the standby is in sync: each costs a copy of the whole state.
  std::uint64_t snapshot_pause_ms_ = 0, snapshot_not_before_ms_ = 0;
};

}  // namespace tandemq::repl
