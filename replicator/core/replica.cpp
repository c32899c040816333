#include "replicator/core/replica.h"

#include <algorithm>

#include "broker/base/check.h"
#include "replicator/core/history.h"

namespace tandemq::repl {

void Replica::step(const Event& event, Output& out) {
  m_.out = &out;
  m_.now_ms = std::max(m_.now_ms, event.now_ms);
  std::visit([this](const auto& e) { on(e); }, event.what);
  report_changes();
  m_.out = nullptr;
}

void Replica::on(const event::Started& e) {
  m_.meta = m_.durable = e.meta;
  if (m_.meta.pair_id.empty()) {
    m_.meta.pair_id = m_.config.pair_id;
    m_.meta.node_index = m_.config.node_index;
  }
  m_.meta.software = m_.config.software;
  m_.agree_on(m_.config.single            ? m_.config.known
              : m_.meta.agreed.frame == 0 ? m_.config.baseline
                                          : m_.meta.agreed);
  if (m_.config.single) m_.meta.in_sync = true, m_.meta.peer_in_sync = false;
  m_.meta.role = Role::standby;
  // Power went before the record of going alone was on disk: nothing was committed alone, and what
  // was committed with the peer may be gone here. Of a damaged journal nobody can tell.
  const bool complete = !m_.meta.needs_snapshot;
  if (complete && e.last < m_.meta.solo_from) m_.meta.peer_in_sync = true, m_.meta.solo_from = 0;
  m_.first = e.first;
  m_.last = m_.written = m_.applied = e.last;
  m_.synced = std::min(e.synced, e.last);
  m_.epoch = epoch_of(m_.meta.history, m_.last);
  m_.meta.epoch_seen = std::max(m_.meta.epoch_seen, m_.epoch);
  // Alone with authority when it stopped: nobody can have gone on without it. One that was paired
  // cannot know what its peer did meanwhile, until they have talked.
  const bool own_reign_is_newest = epoch_node(m_.meta.epoch_seen) == m_.config.node_index;
  m_.confirmed =
      m_.meta.in_sync && !m_.meta.peer_in_sync && (own_reign_is_newest || m_.config.single);
  heard_ms_ = patient_ms_ = ticked_ms_ = m_.now_ms;
  m_.persist();
  m_.say(m_.meta.needs_snapshot
             ? "started; the state here is unusable until the peer sends a snapshot"
         : m_.confirmed    ? "started; went on alone before and holds everything"
         : m_.meta.in_sync ? "started; was in sync, the peer or the operator must confirm it"
         : m_.last == 0    ? "started; empty"
                           : "started; out of sync");
}

void Replica::on(const event::Tick&) {
  // A pause of this very process says nothing about the peer.
  if (m_.now_ms - ticked_ms_ > m_.config.peer_silence_ms / 2) {
    heard_ms_ = patient_ms_ = m_.now_ms;
    primary_.slept();
  }
  ticked_ms_ = m_.now_ms;
  if (m_.written > m_.synced && m_.now_ms - m_.sync_asked_ms >= m_.config.sync_interval_ms)
    m_.request_sync();
  watch_silence();
  primary_.watch_confirmations();
  primary_.make_due_snapshot();
  if (m_.linked && m_.greeted && m_.now_ms - beat_ms_ >= m_.config.heartbeat_ms) {
    beat_ms_ = m_.now_ms;
    if (!m_.primary() && standby_.confirms()) {
      standby_.confirm();
    } else {
      m_.send(msg::Heartbeat{m_.epoch, m_.last, m_.committed, 0});
    }
  }
  hand_over_when_drained();
  if ((handing_over_ || offered_) &&
      m_.now_ms - handing_over_since_ms_ >= m_.config.switchover_ms) {
    if (offered_) {
      drop_link("the peer did not answer the offer to reign", false);
    } else {
      end_switchover(false, "the peer did not confirm everything in time; this node goes on");
    }
  }
}

void Replica::on(const event::Appended& e) {
  TMQ_CHECK(m_.primary() && e.last >= m_.last);
  if (e.last == m_.last) return;
  if (m_.first == 0) m_.first = m_.last + 1;
  m_.last = e.last;
  primary_.write_own();
}

void Replica::on(const event::Written& e) {
  m_.written = std::max(m_.written, std::min(e.lsn, m_.last));
  if (m_.primary()) {
    primary_.written();
  } else {
    standby_.written();
  }
}

void Replica::on(const event::Synced& e) {
  m_.synced = std::max(m_.synced, std::min(e.lsn, m_.written));
  if (m_.primary()) {
    primary_.commit();
  } else {
    standby_.synced();
  }
}

void Replica::on(const event::JournalTrimmed& e) {
  if (m_.first != 0) m_.first = std::max(m_.first, e.first);
  heed(primary_.on(e));
}

void Replica::watch_silence() {
  if (!m_.linked) return;
  const bool resync = standby_.waits_for_snapshot() || primary_.brings_up_to_date();
  const bool catches_up = m_.primary() ? primary_.catches_up() : standby_.catches_up();
  const std::uint64_t silence = m_.config.peer_silence_ms;
  const std::uint64_t limit = resync        ? m_.config.resync_silence_ms
                              : !m_.greeted ? std::max<std::uint64_t>(silence, 1000)
                              : catches_up  ? std::max(silence, kClaimPatienceMs)
                                            : silence;
  if (m_.now_ms - patient_ms_ < limit) return;
  drop_link("nothing heard from the peer for " + std::to_string(m_.now_ms - patient_ms_) + " ms",
            false);
}

void Replica::report_changes() {
  const PairState pair_state = m_.primary() ? primary_.pair_state() : standby_.pair_state();
  const Reported now{m_.meta.role,
                     pair_state,
                     m_.primary() || m_.in_sync(),
                     m_.meta.in_sync,
                     m_.linked && m_.greeted,
                     primary_.told_in_sync()};
  // Permission to go alone that was asked for before the peer was told does not cover what it may
  // have become since; nor does an order to serve that rests on a claim which is given up.
  if (now.role != reported_.role || now.pair_state != reported_.pair_state ||
      now.in_sync != reported_.in_sync || now.claims != reported_.claims ||
      now.told_in_sync != reported_.told_in_sync) {
    ++change_;
  }
  if (m_.said || now != reported_) m_.act(action::StatusChanged{});
  reported_ = now;
  m_.said = false;
}

ReplicaStatus Replica::status() const {
  ReplicaStatus s;
  s.role = m_.meta.role;
  s.epoch = m_.epoch;
  s.last = m_.last;
  s.committed = m_.committed;
  if (m_.primary()) {
    primary_.tell(s);
  } else {
    standby_.tell(s);
  }
  s.was_in_sync = m_.meta.in_sync && !m_.meta.needs_snapshot;
  s.peer_connected = m_.linked && m_.greeted;
  s.was_solo = !m_.meta.peer_in_sync && m_.in_sync();
  s.lost_alone = !m_.meta.peer_in_sync && m_.meta.needs_snapshot;
  // Its history may be lost as well; that of a reign of its own is still known.
  if (s.lost_alone && epoch_node(m_.meta.epoch_seen) == m_.config.node_index) {
    s.epoch = std::max(s.epoch, m_.meta.epoch_seen);
  }
  s.change = change_;
  s.reason = m_.reason;
  s.peer_silent_ms = m_.now_ms - heard_ms_;
  return s;
}

Meeting Replica::meeting() const {
  Meeting m = meeting_;
  m.agreed = m_.meta.agreed;
  return m;
}

Lsn Replica::peer_needs_from() const {
  if (m_.config.single) return 0;
  return m_.primary() ? primary_.needed_from() : m_.committed + 1;
}

}  // namespace tandemq::repl
