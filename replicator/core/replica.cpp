#include "replicator/core/replica.h"

#include <algorithm>

#include "broker/base/check.h"
#include "replicator/core/history.h"

namespace tandemq::repl {
namespace {

// A disk that is busy may take that many times longer than a standby that only receives.
constexpr std::uint64_t kSyncPatience = 10;
// Before a standby is in sync each node writes down what that needs, and its loop stands still for
// as long as the disk takes. Taken for silence, it would part the two again and again.
constexpr std::uint64_t kClaimPatienceMs = 1500;

}  // namespace

Replica::Replica(ReplicaConfig config)
    : config_(std::move(config)), readable_(table_of(config_.known)) {
  TMQ_CHECK(covers(config_.known, config_.baseline) && config_.baseline.frame != 0);
}

void Replica::step(const Event& event, Output& out) {
  out_ = &out;
  now_ms_ = std::max(now_ms_, event.now_ms);
  std::visit([this](const auto& e) { on(e); }, event.what);
  report_changes();
  out_ = nullptr;
}

void Replica::on(const event::Started& e) {
  meta_ = durable_ = e.meta;
  if (meta_.pair_id.empty()) {
    meta_.pair_id = config_.pair_id;
    meta_.node_index = config_.node_index;
  }
  meta_.software = config_.software;
  agree_on(config_.single            ? config_.known
           : meta_.agreed.frame == 0 ? config_.baseline
                                     : meta_.agreed);
  if (config_.single) meta_.in_sync = true, meta_.peer_in_sync = false;
  meta_.role = Role::standby;
  // Power went before the record of going alone was on disk: nothing was committed alone, and what
  // was committed with the peer may be gone here. Of a damaged journal nobody can tell.
  const bool complete = !meta_.needs_snapshot;
  if (complete && e.last < meta_.solo_from) meta_.peer_in_sync = true, meta_.solo_from = 0;
  first_ = e.first;
  last_ = written_ = applied_ = e.last;
  synced_ = std::min(e.synced, e.last);
  epoch_ = epoch_of(meta_.history, last_);
  meta_.epoch_seen = std::max(meta_.epoch_seen, epoch_);
  // Alone with authority when it stopped: nobody can have gone on without it. One that was paired
  // cannot know what its peer did meanwhile, until they have talked.
  const bool own_reign_is_newest = epoch_node(meta_.epoch_seen) == config_.node_index;
  confirmed_ = meta_.in_sync && !meta_.peer_in_sync && (own_reign_is_newest || config_.single);
  heard_ms_ = ticked_ms_ = now_ms_;
  persist();
  say(meta_.needs_snapshot ? "started; the state here is unusable until the peer sends a snapshot"
      : confirmed_         ? "started; went on alone before and holds everything"
      : meta_.in_sync      ? "started; was in sync, the peer or the operator must confirm it"
      : last_ == 0         ? "started; empty"
                           : "started; out of sync");
}

void Replica::on(const event::Tick&) {
  // A pause of this very process says nothing about the peer.
  if (now_ms_ - ticked_ms_ > config_.peer_silence_ms / 2) {
    heard_ms_ = now_ms_;
    if (follower_.waits_since_ms != 0) follower_.waits_since_ms = now_ms_;
  }
  ticked_ms_ = now_ms_;
  if (written_ > synced_ && now_ms_ - sync_asked_ms_ >= config_.sync_interval_ms) request_sync();
  watch_silence();
  watch_confirmations();
  if (link_ && greeted_ && now_ms_ - beat_ms_ >= config_.heartbeat_ms) {
    beat_ms_ = now_ms_;
    if (!primary() && leader_.following && !leader_.waits_for_snapshot) {
      confirm();
    } else {
      send(msg::Heartbeat{epoch_, last_, committed_, 0});
    }
  }
  hand_over_when_drained();
  if ((handing_over_ || offered_) && now_ms_ - handing_over_since_ms_ >= config_.switchover_ms) {
    if (offered_) {
      drop_link("the peer did not answer the offer to reign", false);
    } else {
      end_switchover(false, "the peer did not confirm everything in time; this node goes on");
    }
  }
}

void Replica::on(const event::Appended& e) {
  TMQ_CHECK(primary() && e.last >= last_);
  if (e.last == last_) return;
  if (first_ == 0) first_ = last_ + 1;
  last_ = e.last;
  write_own();
}

void Replica::on(const event::Written& e) {
  written_ = std::max(written_, std::min(e.lsn, last_));
  if (!primary()) return written_as_standby();
  const bool solo_sync = mode_ == Mode::solo && (config_.sync_when_solo || synced_ < solo_from_);
  if (solo_sync || config_.commit == CommitRule::replicated_synced) request_sync();
  commit();
}

void Replica::on(const event::Synced& e) {
  synced_ = std::max(synced_, std::min(e.lsn, written_));
  if (primary()) {
    commit();
  } else if (leader_.sync_each) {
    become_in_sync();
    confirm();
  }
}

void Replica::on(const event::JournalTrimmed& e) {
  if (first_ != 0) first_ = std::max(first_, e.first);
  const Follower& f = follower_;
  if (f.stream == Stream::records && f.sent < last_ && f.sent + 1 < first_) {
    drop_link("the journal was cut behind record " + std::to_string(f.sent) +
                  ", which is how far the standby got: it needs a snapshot",
              false);
  }
}

void Replica::request_sync() {
  if (written_ <= synced_) return;
  sync_asked_ms_ = now_ms_;
  act(action::RequestSync{});
}

void Replica::watch_silence() {
  if (!link_) return;
  const bool resync =
      leader_.waits_for_snapshot ||
      (follower_.stream != Stream::none && !follower_.in_sync && follower_.required_from == 0);
  const bool catches_up = primary() ? follower_.stream != Stream::none && !follower_.in_sync
                                    : leader_.following && !in_sync();
  const std::uint64_t silence = config_.peer_silence_ms;
  const std::uint64_t limit = resync       ? config_.resync_silence_ms
                              : !greeted_  ? std::max<std::uint64_t>(silence, 1000)
                              : catches_up ? std::max(silence, kClaimPatienceMs)
                                           : silence;
  if (now_ms_ - heard_ms_ < limit) return;
  drop_link("nothing heard from the peer for " + std::to_string(now_ms_ - heard_ms_) + " ms",
            false);
}

// A standby that lives but confirms late stops the commits; the agent may then decide to go on
// alone. One that is still catching up is just not required any more.
void Replica::watch_confirmations() {
  if (!primary() || follower_.waits_since_ms == 0) return;
  const std::uint64_t late_ms = now_ms_ - follower_.waits_since_ms;
  const std::uint64_t limit = config_.peer_silence_ms * (by_sync() ? kSyncPatience : 1);
  if (late_ms < (follower_.announced != 0 ? std::max(limit, kClaimPatienceMs) : limit)) return;
  if (mode_ == Mode::paired) {
    mode_ = Mode::waiting;
    follower_.ready_at = last_;
    say("the standby has not confirmed for " + std::to_string(late_ms) + " ms");
  } else if (mode_ == Mode::solo && follower_.announced != 0) {
    mode_ = Mode::waiting;
    say("the standby was told that it is in sync and has not confirmed it");
  } else if (mode_ == Mode::solo && follower_.required_from != 0) {
    follower_.required_from = 0;
    commit();
  }
}

void Replica::send(Message message) {
  if (link_) act(action::Send{std::move(message)});
}

// Before what depends on it; nothing when nothing changed.
void Replica::persist() {
  if (meta_ == durable_) return;
  durable_ = meta_;
  act(action::PersistMeta{meta_});
}

void Replica::say(std::string reason) {
  reason_ = std::move(reason);
  said_ = true;
}

void Replica::report_changes() {
  const bool told_in_sync = follower_.in_sync || follower_.announced != 0;
  const Reported now{meta_.role, pair_state(), primary() || in_sync(), link_ && greeted_,
                     told_in_sync};
  // Permission to go alone that was asked for before the peer was told does not cover what it may
  // have become since.
  if (now.role != reported_.role || now.pair_state != reported_.pair_state ||
      now.in_sync != reported_.in_sync || now.told_in_sync != reported_.told_in_sync) {
    ++change_;
  }
  if (said_ || now != reported_) act(action::StatusChanged{});
  reported_ = now;
  said_ = false;
}

PairState Replica::pair_state() const {
  if (!primary()) {
    if (!leader_.following) return PairState::waiting;
    return in_sync() ? PairState::paired : PairState::resyncing;
  }
  if (mode_ == Mode::paired) return PairState::paired;
  if (mode_ == Mode::waiting) return PairState::waiting;
  return follower_.stream == Stream::none ? PairState::solo : PairState::resyncing;
}

double Replica::progress() const {
  const auto share = [](Lsn begin, Lsn at, Lsn end) {
    if (at < begin || end <= begin) return 0.0;
    return std::min(1.0, static_cast<double>(at - begin) / static_cast<double>(end - begin));
  };
  if (primary()) return share(follower_.begin, follower_.received, last_);
  if (leader_.snapshot_bytes > 0) return share(0, leader_.snapshot_stored, leader_.snapshot_bytes);
  return share(leader_.begin, written_, leader_.target);
}

ReplicaStatus Replica::status() const {
  ReplicaStatus s;
  s.role = meta_.role;
  s.pair_state = pair_state();
  s.epoch = epoch_;
  s.last = last_;
  s.committed = committed_;
  s.peer_received = primary() ? follower_.received : leader_.target;
  s.peer_synced = primary() ? follower_.synced : 0;
  s.in_sync = primary() || in_sync();
  s.was_in_sync = meta_.in_sync && !meta_.needs_snapshot;
  s.peer_in_sync = primary() ? mode_ == Mode::paired || follower_.in_sync : leader_.following;
  s.peer_connected = link_ && greeted_;
  s.was_solo = !meta_.peer_in_sync && in_sync();
  s.change = change_;
  s.reason = reason_;
  s.resync_progress = s.pair_state == PairState::resyncing ? progress() : 0;
  s.peer_silent_ms = now_ms_ - heard_ms_;
  return s;
}

Meeting Replica::meeting() const {
  Meeting m = meeting_;
  m.agreed = meta_.agreed;
  return m;
}

Lsn Replica::peer_needs_from() const {
  if (config_.single) return 0;
  if (!primary()) return committed_ + 1;
  switch (follower_.stream) {
    case Stream::none:
      return peer_received_ + 1;
    case Stream::snapshot_wanted:
      return std::max<Lsn>(first_, 1);
    case Stream::snapshot:
      return follower_.snapshot_lsn + 1;
    case Stream::records:
      break;
  }
  return std::max(follower_.received, follower_.begin) + 1;
}

}  // namespace tandemq::repl
