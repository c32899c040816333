#include "replicator/core/standby.h"

#include <algorithm>

#include "broker/base/crc32c.h"
#include "replicator/core/history.h"

namespace tandemq::repl {

Status Standby::check_follow(const msg::Follow& f) const {
  if (m_.primary() || leader_.following) return Error{"the peer said Follow out of turn"};
  if (f.epoch < m_.meta.epoch_seen || f.epoch == 0) {
    return Error{"the peer leads epoch " + std::to_string(epoch_counter(f.epoch)) +
                 " which has ended: this node has seen epoch " +
                 std::to_string(epoch_counter(m_.meta.epoch_seen))};
  }
  if (!f.snapshot && (f.keep_through != leader_.common || m_.meta.needs_snapshot)) {
    return Error{"the peer wants to start behind record " + std::to_string(f.keep_through) +
                 ", in common is " + std::to_string(leader_.common)};
  }
  if (f.in_sync && (f.snapshot || !m_.in_sync())) {
    return Error{"the peer counts this node in sync, which it is not"};
  }
  return Done{};
}

LinkFault Standby::on(const msg::Follow& f) {
  const Status valid = check_follow(f);
  if (!valid) return protocol_error(valid.error().message);
  const bool cut = !f.snapshot && m_.last > leader_.common;
  m_.meta.epoch_seen = f.epoch;
  m_.meta.in_sync = m_.confirmed = f.in_sync;
  if (cut) m_.meta.needs_snapshot = true;  // until the state is rebuilt
  m_.persist();
  m_.epoch = f.epoch;
  leader_.following = true;
  leader_.sync_each = f.sync_each;
  leader_.waits_for_snapshot = f.snapshot;
  leader_.begin = leader_.target = f.keep_through;
  m_.say(f.snapshot ? "follows; a snapshot is coming"
         : f.in_sync
             ? "follows and holds everything committed"
             : "follows from record " + std::to_string(f.keep_through + 1) + ", catching up");
  if (cut) {
    cut_after(leader_.common, true);
  } else if (!f.snapshot) {
    settle();
  }
  return {};
}

// What went beyond the common record lost to the other history. What this node may have
// acknowledged of it - committed as far as it knows, or under the solo rule - is kept aside.
void Standby::cut_after(Lsn lsn, bool rebuild) {
  apply_all();
  const Lsn alone = m_.meta.peer_in_sync ? std::min(m_.meta.paired_at, m_.last) : m_.last;
  const Lsn acknowledged = std::max(std::min(m_.committed, m_.last), alone);
  m_.act(action::CutJournal{lsn, acknowledged > lsn ? acknowledged : 0, rebuild});
  m_.last = lsn;
  m_.written = std::min(m_.written, lsn);
  m_.applied = std::min(m_.applied, lsn);
  m_.synced = std::min(m_.synced, lsn);
  m_.committed = std::min(m_.committed, lsn);
  if (m_.first > lsn) m_.first = 0;
  trim_history(m_.meta.history, lsn);
}

void Standby::on(const event::Rebuilt& e) {
  if (m_.primary() || !leader_.following) return;
  if (e.ok) {
    m_.meta.needs_snapshot = false;
    return settle();
  }
  m_.meta.in_sync = m_.confirmed = false;
  m_.persist();
  leader_.waits_for_snapshot = true;
  m_.send(msg::NeedSnapshot{e.reason});
  m_.say("needs a snapshot: " + e.reason);
}

// Journal and state agree with the primary's up to `last`: forget what this node was before.
void Standby::settle() {
  m_.meta.peer_in_sync = true;
  m_.meta.solo_from = m_.meta.paired_at = 0;
  m_.persist();
  if (leader_.sync_each) m_.request_sync();
  confirm();
}

LinkFault Standby::on(const msg::Records& m) {
  Leader& l = leader_;
  if (m_.primary() || !l.following) return protocol_error("the peer sent records out of turn");
  if (l.waits_for_snapshot) return {};
  EpochHistory& history = m_.meta.history;
  const std::size_t reigns = history.size();
  const Epoch newest = history.empty() ? 0 : history.back().epoch;
  const Result<Lsn> checked = check_frames(m.frames, m_.last + 1, m_.epoch, m_.readable, history);
  if (!checked) {
    trim_history(history, m_.last);
    return protocol_error(checked.error().message);
  }
  if (*checked == m_.last) return {};
  m_.act(action::AppendFrames{m.frames, m_.last + 1, *checked});
  if (m_.first == 0) m_.first = m_.last + 1;
  m_.last = *checked;
  l.target = std::max(l.target, m_.last);
  if (history.size() != reigns || history.back().epoch != newest) m_.persist();
  m_.act(action::WriteJournal{});
  return {};
}

LinkFault Standby::on(const msg::InSync& m) {
  if (m_.primary() || !leader_.following || m.epoch != m_.epoch) {
    return protocol_error("the peer said InSync out of turn");
  }
  leader_.in_sync_at = m.lsn;
  written();
  return {};
}

void Standby::on(const msg::Heartbeat& m) {
  if (m_.primary() || !leader_.following || m.epoch != m_.epoch) return;
  leader_.target = std::max(leader_.target, m.last);
  if (!leader_.waits_for_snapshot)
    m_.committed = std::max(m_.committed, std::min(m.committed, m_.last));
  if (m.pair_time != 0) m_.act(action::LearnTime{m.pair_time});
}

// With replicated+synced "in sync" means on this disk: commits before it were on the primary's.
void Standby::become_in_sync() {
  const Lsn held = leader_.sync_each ? m_.synced : m_.written;
  if (leader_.in_sync_at == 0 || held < leader_.in_sync_at || leader_.waits_for_snapshot) return;
  leader_.in_sync_at = 0;
  if (m_.in_sync()) return;
  m_.meta.in_sync = m_.confirmed = true;
  m_.persist();
  m_.say("in sync: holds everything committed");
}

void Standby::written() {
  become_in_sync();
  confirm();  // before the work of applying: the primary's clients wait for it
  if (leader_.sync_each) m_.request_sync();
  apply_all();
}

void Standby::synced() {
  if (!leader_.sync_each) return;
  become_in_sync();
  confirm();
}

void Standby::apply_all() {
  if (m_.primary() || m_.applied >= m_.last) return;
  m_.act(action::Apply{m_.applied + 1, m_.last});
  m_.applied = m_.last;
}

void Standby::confirm() {
  if (m_.linked && confirms()) m_.send(msg::Confirm{m_.epoch, m_.written, m_.synced, m_.in_sync()});
}

LinkFault Standby::on(const msg::SnapshotBegin& m) {
  if (m_.primary() || !leader_.following || m_.in_sync() || m.lsn == 0 ||
      (!m.history.empty() && m.history.back().first > m.lsn)) {
    return protocol_error("the peer sent a snapshot out of turn");
  }
  leader_.waits_for_snapshot = true;
  leader_.snapshot_lsn = m.lsn;
  leader_.snapshot_bytes = m.bytes;
  leader_.snapshot_stored = 0;
  leader_.snapshot_crc = 0;
  leader_.snapshot_history = m.history;
  m_.act(action::StoreSnapshot{m.lsn, m.bytes, 0, {}});
  m_.say("receiving a snapshot of " + std::to_string(m.bytes) + " bytes");
  return {};
}

LinkFault Standby::on(const msg::SnapshotChunk& m) {
  Leader& l = leader_;
  if (m_.primary() || l.snapshot_lsn == 0 || m.offset != l.snapshot_stored ||
      m.bytes.size() > l.snapshot_bytes - l.snapshot_stored || crc32c(m.bytes) != m.crc) {
    return protocol_error("a piece of the snapshot is damaged or in the wrong place");
  }
  m_.act(action::StoreSnapshot{l.snapshot_lsn, l.snapshot_bytes, m.offset, m.bytes});
  l.snapshot_stored += m.bytes.size();
  l.snapshot_crc = crc32c(m.bytes, l.snapshot_crc);
  return {};
}

LinkFault Standby::on(const msg::SnapshotEnd& m) {
  const Leader& l = leader_;
  if (m_.primary() || l.snapshot_lsn == 0 || l.snapshot_stored != l.snapshot_bytes ||
      l.snapshot_crc != m.crc) {
    return protocol_error("the snapshot is not whole or its checksum is wrong");
  }
  m_.meta.needs_snapshot = true;  // until it is installed: a crash between leaves half of each
  m_.persist();
  if (m_.last > l.common) cut_after(l.common, false);
  m_.act(action::InstallSnapshot{l.snapshot_lsn});
  return {};
}

LinkFault Standby::on(const event::SnapshotInstalled& e) {
  if (m_.primary() || leader_.snapshot_lsn == 0) return {};
  if (!e.ok) return action::DropLink{"cannot install the snapshot: " + e.reason, true};
  m_.last = m_.written = m_.synced = m_.applied = leader_.begin = leader_.snapshot_lsn;
  m_.first = 0;
  m_.committed = 0;
  m_.meta.history = std::move(leader_.snapshot_history);
  m_.meta.needs_snapshot = false;
  leader_.waits_for_snapshot = false;
  leader_.snapshot_lsn = leader_.snapshot_bytes = leader_.snapshot_stored = 0;
  settle();
  m_.say("the snapshot is installed; following from record " + std::to_string(m_.last + 1));
  return {};
}

PairState Standby::pair_state() const {
  if (!leader_.following) return PairState::waiting;
  return m_.in_sync() ? PairState::paired : PairState::resyncing;
}

void Standby::tell(ReplicaStatus& s) const {
  const Leader& l = leader_;
  s.pair_state = pair_state();
  s.peer_received = l.target;
  s.in_sync = m_.in_sync();
  s.peer_in_sync = l.following;
  if (s.pair_state != PairState::resyncing) return;
  s.resync_progress = l.snapshot_bytes > 0 ? share_of_way(0, l.snapshot_stored, l.snapshot_bytes)
                                           : share_of_way(l.begin, m_.written, l.target);
}

}  // namespace tandemq::repl
