// The standby: follows the primary's stream.
#include <algorithm>

#include "replicator/core/history.h"
#include "replicator/core/replica.h"

namespace tandemq::repl {

Status Replica::check_follow(const msg::Follow& f) const {
  if (primary() || leader_.following) return Error{"the peer said Follow out of turn"};
  if (f.epoch < meta_.epoch_seen || f.epoch == 0) {
    return Error{"the peer leads epoch " + std::to_string(epoch_counter(f.epoch)) +
                 " which has ended: this node has seen epoch " +
                 std::to_string(epoch_counter(meta_.epoch_seen))};
  }
  if (!f.snapshot && (f.keep_through != leader_.common || meta_.needs_snapshot)) {
    return Error{"the peer wants to start behind record " + std::to_string(f.keep_through) +
                 ", in common is " + std::to_string(leader_.common)};
  }
  if (f.in_sync && (f.snapshot || !in_sync())) {
    return Error{"the peer counts this node in sync, which it is not"};
  }
  return Done{};
}

void Replica::on_message(const msg::Follow& f) {
  const Status valid = check_follow(f);
  if (!valid) return protocol_error(valid.error().message);
  const bool cut = !f.snapshot && last_ > leader_.common;
  meta_.epoch_seen = f.epoch;
  meta_.in_sync = confirmed_ = f.in_sync;
  if (cut) meta_.needs_snapshot = true;  // until the state is rebuilt
  persist();
  epoch_ = f.epoch;
  leader_.following = true;
  leader_.sync_each = f.sync_each;
  leader_.waits_for_snapshot = f.snapshot;
  leader_.begin = leader_.target = f.keep_through;
  say(f.snapshot  ? "follows; a snapshot is coming"
      : f.in_sync ? "follows and holds everything committed"
                  : "follows from record " + std::to_string(f.keep_through + 1) + ", catching up");
  if (cut) {
    cut_after(leader_.common, true);
  } else if (!f.snapshot) {
    settle_as_follower();
  }
}

// What went beyond the common record lost to the other history. What this node may have
// acknowledged of it - committed as far as it knows, or under the solo rule - is kept aside.
void Replica::cut_after(Lsn lsn, bool rebuild) {
  apply_all();
  const Lsn alone = meta_.peer_in_sync ? std::min(meta_.paired_at, last_) : last_;
  const Lsn acknowledged = std::max(std::min(committed_, last_), alone);
  act(action::CutJournal{lsn, acknowledged > lsn ? acknowledged : 0, rebuild});
  last_ = lsn;
  written_ = std::min(written_, lsn);
  applied_ = std::min(applied_, lsn);
  synced_ = std::min(synced_, lsn);
  committed_ = std::min(committed_, lsn);
  if (first_ > lsn) first_ = 0;
  trim_history(meta_.history, lsn);
}

void Replica::on(const event::Rebuilt& e) {
  if (primary() || !leader_.following) return;
  if (e.ok) {
    meta_.needs_snapshot = false;
    return settle_as_follower();
  }
  meta_.in_sync = confirmed_ = false;
  persist();
  leader_.waits_for_snapshot = true;
  send(msg::NeedSnapshot{e.reason});
  say("needs a snapshot: " + e.reason);
}

// Journal and state agree with the primary's up to last_: forget what this node was before.
void Replica::settle_as_follower() {
  meta_.peer_in_sync = true;
  meta_.solo_from = meta_.paired_at = 0;
  persist();
  if (leader_.sync_each) request_sync();
  confirm();
}

void Replica::on_message(const msg::Records& m) {
  Leader& l = leader_;
  if (primary() || !l.following) return protocol_error("the peer sent records out of turn");
  if (l.waits_for_snapshot) return;
  const std::size_t reigns = meta_.history.size();
  const Epoch newest = meta_.history.empty() ? 0 : meta_.history.back().epoch;
  const Result<Lsn> checked = check_frames(m.frames, last_ + 1, epoch_, readable_, meta_.history);
  if (!checked) {
    trim_history(meta_.history, last_);
    return protocol_error(checked.error().message);
  }
  if (*checked == last_) return;
  act(action::AppendFrames{m.frames, last_ + 1, *checked});
  if (first_ == 0) first_ = last_ + 1;
  last_ = *checked;
  l.target = std::max(l.target, last_);
  if (meta_.history.size() != reigns || meta_.history.back().epoch != newest) persist();
  act(action::WriteJournal{});
}

void Replica::on_message(const msg::InSync& m) {
  if (primary() || !leader_.following || m.epoch != epoch_) {
    return protocol_error("the peer said InSync out of turn");
  }
  leader_.in_sync_at = m.lsn;
  written_as_standby();
}

// With replicated+synced "in sync" means on this disk: commits before it were on the primary's.
void Replica::become_in_sync() {
  const Lsn held = leader_.sync_each ? synced_ : written_;
  if (leader_.in_sync_at == 0 || held < leader_.in_sync_at || leader_.waits_for_snapshot) return;
  leader_.in_sync_at = 0;
  if (in_sync()) return;
  meta_.in_sync = confirmed_ = true;
  persist();
  say("in sync: holds everything committed");
}

void Replica::written_as_standby() {
  become_in_sync();
  confirm();  // before the work of applying: the primary's clients wait for it
  if (leader_.sync_each) request_sync();
  apply_all();
}

void Replica::apply_all() {
  if (primary() || applied_ >= last_) return;
  applied_ = last_;
  act(action::Apply{last_});
}

void Replica::confirm() {
  if (!link_ || !leader_.following || leader_.waits_for_snapshot) return;
  send(msg::Confirm{epoch_, written_, synced_, in_sync()});
}

}  // namespace tandemq::repl
