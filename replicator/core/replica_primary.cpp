// The primary: streams its records, takes confirmations, and decides what is committed.
#include <algorithm>

#include "broker/base/check.h"
#include "replicator/core/history.h"
#include "replicator/core/replica.h"

namespace tandemq::repl {
namespace {

// A standby this close behind is required for commits, which then wait for it this much at most.
constexpr std::size_t kCloseBytes = 1u << 20;

}  // namespace

// The peer's Hello is accepted and it does not reign: say where its stream starts.
void Replica::lead(const msg::Hello& peer) {
  const Lsn common = leader_.common;
  const bool reaches = common == last_ || (first_ != 0 && common + 1 >= first_);
  const bool by_journal = reaches && !peer.needs_snapshot;
  follower_ = {};
  // Still in sync: it lost nothing since it was, and we never went on without it.
  follower_.in_sync = by_journal && peer.in_sync && meta_.peer_in_sync && common >= committed_;
  follower_.begin = follower_.sent = common;
  follower_.ready_at = last_;
  send(msg::Follow{epoch_, common, follower_.in_sync,
                   config_.commit == CommitRule::replicated_synced, !by_journal});
  if (!by_journal) {
    return stream_snapshot(peer.needs_snapshot ? "its state is unusable"
                                               : "the journal does not reach back to record " +
                                                     std::to_string(common + 1));
  }
  follower_.stream = Stream::records;
  say(peer.node_name + " follows from record " + std::to_string(common + 1) + ", " +
      std::to_string(last_ - common) + " behind");
  pump();
}

void Replica::pump() {
  Follower& f = follower_;
  if (f.stream != Stream::records || f.sending || f.sent >= last_) return;
  if (f.unconfirmed_bytes >= config_.window_bytes) return;
  f.sending = true;
  act(action::SendRecords{f.sent + 1, last_, config_.batch_bytes});
}

void Replica::on(const event::RecordsSent& e) {
  Follower& f = follower_;
  f.sending = false;
  if (f.stream != Stream::records || e.last <= f.sent) return;
  f.sent = std::min(e.last, last_);
  f.batches.emplace_back(f.sent, e.bytes);
  f.unconfirmed_bytes += e.bytes;
  if (f.waits_since_ms == 0) f.waits_since_ms = now_ms_;
  pump();
  follow_progress();
}

// New records of this node: to the peer first, so that it works while we write.
void Replica::write_own() {
  pump();
  act(action::WriteJournal{});
}

void Replica::on_message(const msg::Confirm& m) {
  if (!primary() || follower_.stream != Stream::records) return;
  if (m.epoch != epoch_ || m.received > follower_.sent || m.synced > m.received) {
    return protocol_error("the standby confirmed record " + std::to_string(m.received) +
                          " which it was not sent");
  }
  take_confirmation(m);
  if (follower_.in_sync && !m.in_sync) {
    return drop_link("the standby does not count itself in sync any more", false);
  }
  if (follower_.announced != 0 && m.in_sync && m.received >= follower_.announced) {
    now_paired("the standby holds everything and confirms");
  }
  follow_progress();
  pump();
  commit();
}

void Replica::take_confirmation(const msg::Confirm& m) {
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
    f.waits_since_ms = now_ms_;
  }
}

// "Require, then announce": once the standby is close behind, commits need it; when it holds all
// that existed before that moment, it holds everything committed and is told so.
void Replica::follow_progress() {
  Follower& f = follower_;
  if (!primary() || f.stream != Stream::records || f.received < f.begin) return;
  if (f.in_sync) {
    if (mode_ == Mode::waiting && confirmed_there() >= f.ready_at) {
      now_paired("the standby is back and confirms everything");
    }
    return;
  }
  if (f.announced != 0) return;
  if (f.required_from == 0 && f.sent == last_ && f.unconfirmed_bytes <= kCloseBytes) {
    f.required_from = last_;
  }
  if (f.required_from != 0 && f.received >= f.required_from) announce_in_sync();
}

void Replica::announce_in_sync() {
  const bool was_alone = !meta_.peer_in_sync;
  if (was_alone) {
    // Durable before the standby can know it: from now on it may be promoted.
    meta_.peer_in_sync = true;
    meta_.solo_from = 0;
    meta_.paired_at = last_ + 1;
    persist();
    append_control(ControlKind::paired, "");
  }
  follower_.announced = last_;
  if (was_alone) write_own();
  send(msg::InSync{epoch_, last_});
}

void Replica::now_paired(std::string reason) {
  follower_.in_sync = true;
  follower_.required_from = follower_.announced = 0;
  mode_ = Mode::paired;
  solo_from_ = 0;
  say(std::move(reason));
}

void Replica::commit() {
  const Lsn to = commit_candidate();
  if (!primary() || to <= committed_) return;
  committed_ = to;
  act(action::Commit{to});
}

Lsn Replica::commit_candidate() const {
  const Follower& f = follower_;
  switch (mode_) {
    case Mode::waiting:
      return committed_;
    case Mode::paired:
      return std::min(by_sync() ? synced_ : written_, confirmed_there());
    case Mode::solo:
      break;
  }
  if (synced_ < solo_from_) return committed_;
  const Lsn here = config_.sync_when_solo ? synced_ : written_;
  return f.required_from != 0 ? std::min(here, confirmed_there()) : here;
}

// Returns its LSN. The caller writes (write_own).
Lsn Replica::append_control(ControlKind kind, std::string reason) {
  TMQ_CHECK(primary());
  if (first_ == 0) first_ = last_ + 1;
  ++last_;
  act(action::AppendControl{kind, epoch_, last_, std::move(reason)});
  return last_;
}

}  // namespace tandemq::repl
