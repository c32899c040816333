#include "replicator/core/primary.h"

#include <algorithm>

#include "replicator/core/history.h"

namespace tandemq::repl {
namespace {

// A standby this close behind is required for commits, which then wait for it this much at most.
constexpr std::size_t kCloseBytes = 1u << 20;
// A disk that is busy may take that many times longer than a standby that only receives.
constexpr std::uint64_t kSyncPatience = 10;
constexpr std::uint64_t kSnapshotPauseMs = 1000, kSnapshotPauseMaxMs = 30000;

}  // namespace

void Primary::begin(bool alone) {
  mode_ = alone ? Mode::solo : Mode::waiting;
  follower_ = {};
  snapshot_pause_ms_ = snapshot_not_before_ms_ = 0;
  m_.append_control(ControlKind::reign_began, "");
  solo_from_ =
      alone ? m_.append_control(ControlKind::went_solo, "alone since an earlier reign") : 0;
}

void Primary::end() {
  mode_ = Mode::waiting;
  solo_from_ = 0;
  release_snapshot();
  follower_ = {};
}

void Primary::link_lost() {
  const bool announced = follower_.announced != 0;
  release_snapshot();
  follower_ = {};
  if (!m_.primary()) return;
  // Once InSync is out the standby may count itself in sync: going on alone needs authority.
  if (mode_ == Mode::paired || announced) {
    mode_ = Mode::waiting;
    solo_from_ = 0;
  }
  commit();
}

void Primary::lead(const msg::Hello& peer, Lsn common) {
  const bool reaches = common == m_.last || (m_.first != 0 && common + 1 >= m_.first);
  const bool by_journal = reaches && !peer.needs_snapshot;
  follower_ = {};
  // Still in sync: it lost nothing since it was, and we never went on without it.
  follower_.in_sync = by_journal && peer.in_sync && m_.meta.peer_in_sync && common >= m_.committed;
  follower_.begin = follower_.sent = common;
  follower_.ready_at = m_.last;
  m_.send(msg::Follow{m_.epoch, common, follower_.in_sync, m_.by_sync(), !by_journal});
  if (!by_journal) {
    return stream_snapshot(peer.needs_snapshot ? "its state is unusable"
                                               : "the journal does not reach back to record " +
                                                     std::to_string(common + 1));
  }
  follower_.stream = Stream::records;
  m_.say(peer.node_name + " follows from record " + std::to_string(common + 1) + ", " +
         std::to_string(m_.last - common) + " behind");
  pump();
}

void Primary::pump() {
  Follower& f = follower_;
  if (f.stream != Stream::records || f.sending || f.sent >= m_.last) return;
  if (f.unconfirmed_bytes >= m_.config.window_bytes) return;
  f.sending = true;
  m_.act(action::SendRecords{f.sent + 1, m_.last, m_.config.batch_bytes});
}

void Primary::on(const event::RecordsSent& e) {
  Follower& f = follower_;
  f.sending = false;
  if (f.stream != Stream::records || e.last <= f.sent) return;
  f.sent = std::min(e.last, m_.last);
  f.batches.emplace_back(f.sent, e.bytes);
  f.unconfirmed_bytes += e.bytes;
  if (f.waits_since_ms == 0) f.waits_since_ms = m_.now_ms;
  pump();
  follow_progress();
}

LinkFault Primary::on(const event::JournalTrimmed&) const {
  const Follower& f = follower_;
  if (f.stream != Stream::records || f.sent >= m_.last || f.sent + 1 >= m_.first) return {};
  return action::DropLink{"the journal was cut behind record " + std::to_string(f.sent) +
                              ", which is how far the standby got: it needs a snapshot",
                          false};
}

void Primary::write_own() {
  pump();
  m_.act(action::WriteJournal{});
}

void Primary::written() {
  const bool solo_sync =
      mode_ == Mode::solo && (m_.config.sync_when_solo || m_.synced < solo_from_);
  if (solo_sync || m_.by_sync()) m_.request_sync();
  commit();
}

LinkFault Primary::on(const msg::Confirm& m) {
  if (!m_.primary() || follower_.stream != Stream::records) return {};
  if (m.epoch != m_.epoch || m.received > follower_.sent || m.synced > m.received) {
    return protocol_error("the standby confirmed record " + std::to_string(m.received) +
                          " which it was not sent");
  }
  take_confirmation(m);
  if (follower_.in_sync && !m.in_sync)
    return action::DropLink{"the standby does not count itself in sync any more", false};
  if (follower_.announced != 0 && m.in_sync && m.received >= follower_.announced) {
    now_paired("the standby holds everything and confirms");
  }
  follow_progress();
  pump();
  commit();
  return {};
}

void Primary::take_confirmation(const msg::Confirm& m) {
  Follower& f = follower_;
  const Lsn before = confirmed_there();
  f.received = std::max(f.received, m.received);
  f.synced = std::max(f.synced, m.synced);
  peer_received_ = f.received;
  const bool moved = confirmed_there() > before;
  while (!f.batches.empty() && f.batches.front().first <= confirmed_there()) {
    f.unconfirmed_bytes -= f.batches.front().second;
    f.batches.pop_front();
  }
  if (f.batches.empty()) {
    f.waits_since_ms = 0;
  } else if (moved) {
    f.waits_since_ms = m_.now_ms;
  }
}

// "Require, then announce": once the standby is close behind, commits need it; when it holds all
// that existed before that moment, it holds everything committed and is told so.
void Primary::follow_progress() {
  Follower& f = follower_;
  if (!m_.primary() || f.stream != Stream::records || f.received < f.begin) return;
  if (f.in_sync) {
    if (mode_ == Mode::waiting && confirmed_there() >= f.ready_at) {
      now_paired("the standby is back and confirms everything");
    }
    return;
  }
  if (f.announced != 0) return;
  if (f.required_from == 0 && f.sent == m_.last && f.unconfirmed_bytes <= kCloseBytes) {
    f.required_from = m_.last;
  }
  if (f.required_from != 0 && f.received >= f.required_from) announce_in_sync();
}

void Primary::announce_in_sync() {
  const bool was_alone = !m_.meta.peer_in_sync;
  if (was_alone) {
    // Durable before the standby can know it: from now on it may be promoted.
    m_.meta.peer_in_sync = true;
    m_.meta.solo_from = 0;
    m_.meta.paired_at = m_.last + 1;
    m_.persist();
    m_.append_control(ControlKind::paired, "");
  }
  follower_.announced = m_.last;
  if (was_alone) write_own();
  m_.send(msg::InSync{m_.epoch, m_.last});
}

void Primary::now_paired(std::string reason) {
  follower_.in_sync = true;
  follower_.required_from = follower_.announced = 0;
  mode_ = Mode::paired;
  solo_from_ = 0;
  snapshot_pause_ms_ = snapshot_not_before_ms_ = 0;
  m_.say(std::move(reason));
}

// A standby that lives but confirms late stops the commits; the agent may then decide to go on
// alone. One that is still catching up is just not required any more.
void Primary::watch_confirmations() {
  if (!m_.primary() || follower_.waits_since_ms == 0) return;
  const std::uint64_t late_ms = m_.now_ms - follower_.waits_since_ms;
  const std::uint64_t limit = m_.config.peer_silence_ms * (m_.by_sync() ? kSyncPatience : 1);
  if (late_ms < (follower_.announced != 0 ? std::max(limit, kClaimPatienceMs) : limit)) return;
  if (mode_ == Mode::paired) {
    mode_ = Mode::waiting;
    follower_.ready_at = m_.last;
    m_.say("the standby has not confirmed for " + std::to_string(late_ms) + " ms");
  } else if (mode_ == Mode::solo && follower_.announced != 0) {
    mode_ = Mode::waiting;
    m_.say("the standby was told that it is in sync and has not confirmed it");
  } else if (mode_ == Mode::solo && follower_.required_from != 0) {
    follower_.required_from = 0;
    commit();
  }
}

void Primary::slept() {
  if (follower_.waits_since_ms != 0) follower_.waits_since_ms = m_.now_ms;
}

// "Announce, then stop requiring": that the peer is out of sync is durable before anything is
// committed without it (the record too: commit_candidate waits for its sync).
void Primary::go_solo(std::string reason) {
  m_.meta.peer_in_sync = false;
  m_.meta.solo_from = m_.last + 1;
  m_.persist();
  mode_ = Mode::solo;
  solo_from_ = m_.append_control(ControlKind::went_solo, reason);
  write_own();
  m_.say(std::move(reason));
}

void Primary::commit() {
  const Lsn to = commit_candidate();
  if (!m_.primary() || to <= m_.committed) return;
  m_.committed = to;
  m_.act(action::Commit{to});
}

Lsn Primary::commit_candidate() const {
  const Follower& f = follower_;
  switch (mode_) {
    case Mode::waiting:
      return m_.committed;
    case Mode::paired:
      return std::min(m_.by_sync() ? m_.synced : m_.written, confirmed_there());
    case Mode::solo:
      break;
  }
  if (m_.synced < solo_from_) return m_.committed;
  const Lsn here = m_.config.sync_when_solo ? m_.synced : m_.written;
  return f.required_from != 0 ? std::min(here, confirmed_there()) : here;
}

void Primary::stream_snapshot(const std::string& reason) {
  follower_ = {};
  follower_.stream = Stream::snapshot_wanted;
  const std::uint64_t due = snapshot_not_before_ms_;
  if (m_.now_ms < due) {
    follower_.snapshot_postponed = true;
    return m_.say("the standby gets another snapshot in " + std::to_string(due - m_.now_ms) +
                  " ms, the one before did not bring it into sync (its log says why): " + reason);
  }
  make_snapshot();
  m_.say("the standby gets a snapshot: " + reason);
}

void Primary::make_snapshot() {
  follower_.snapshot_postponed = false;
  snapshot_not_before_ms_ = m_.now_ms + snapshot_pause_ms_;  // the second follows at once
  snapshot_pause_ms_ =
      std::clamp<std::uint64_t>(2 * snapshot_pause_ms_, kSnapshotPauseMs, kSnapshotPauseMaxMs);
  m_.act(action::MakeSnapshot{});
}

void Primary::make_due_snapshot() {
  if (follower_.snapshot_postponed && m_.now_ms >= snapshot_not_before_ms_) make_snapshot();
}

LinkFault Primary::on(const msg::NeedSnapshot& m) {
  if (!m_.primary() || follower_.stream != Stream::records || mode_ == Mode::paired) {
    return protocol_error("the peer asked for a snapshot out of turn");
  }
  stream_snapshot(m.reason);
  return {};
}

LinkFault Primary::on(const event::SnapshotReady& e) {
  if (follower_.stream != Stream::snapshot_wanted) {
    if (e.ok) m_.act(action::ReleaseSnapshot{});
    return {};
  }
  if (!e.ok) return action::DropLink{"cannot make a snapshot for the standby: " + e.reason, true};
  follower_.stream = Stream::snapshot;
  follower_.snapshot_lsn = e.lsn;
  EpochHistory history = m_.meta.history;
  trim_history(history, e.lsn);
  m_.act(action::SendSnapshot{std::move(history)});
  m_.say("sending a snapshot of " + std::to_string(e.bytes) + " bytes, the state after record " +
         std::to_string(e.lsn));
  return {};
}

void Primary::on(const event::SnapshotSent&) {
  Follower& f = follower_;
  if (f.stream != Stream::snapshot) return;
  m_.act(action::ReleaseSnapshot{});
  f.stream = Stream::records;
  f.begin = f.sent = f.snapshot_lsn;
  pump();
}

void Primary::release_snapshot() {
  const Stream stream = follower_.stream;
  if (stream == Stream::snapshot || stream == Stream::snapshot_wanted)
    m_.act(action::ReleaseSnapshot{});
}

bool Primary::brings_up_to_date() const {
  const Follower& f = follower_;
  return f.stream != Stream::none && !f.in_sync && f.required_from == 0;
}

bool Primary::drained() const {
  return mode_ == Mode::paired && follower_.received == m_.last && m_.committed == m_.last;
}

Lsn Primary::needed_from() const {
  switch (follower_.stream) {
    case Stream::none:
      return peer_received_ + 1;
    case Stream::snapshot_wanted:
      return std::max<Lsn>(m_.first, 1);
    case Stream::snapshot:
      return follower_.snapshot_lsn + 1;
    case Stream::records:
      break;
  }
  return std::max(follower_.received, follower_.begin) + 1;
}

PairState Primary::pair_state() const {
  if (mode_ == Mode::paired) return PairState::paired;
  if (mode_ == Mode::waiting) return PairState::waiting;
  return follower_.stream == Stream::none ? PairState::solo : PairState::resyncing;
}

void Primary::tell(ReplicaStatus& s) const {
  s.pair_state = pair_state();
  s.peer_received = follower_.received;
  s.peer_synced = follower_.synced;
  s.in_sync = true;
  s.peer_in_sync = mode_ == Mode::paired || follower_.in_sync;
  if (s.pair_state == PairState::resyncing)
    s.resync_progress = share_of_way(follower_.begin, follower_.received, m_.last);
}

}  // namespace tandemq::repl
