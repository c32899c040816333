// Orders of the failover agent, and every change of role.
#include <algorithm>

#include "broker/base/check.h"
#include "replicator/core/history.h"
#include "replicator/core/replica.h"

namespace tandemq::repl {

void Replica::on(const event::Promote& e) {
  if (primary()) {
    if (epoch_ >= e.at_least) return;  // asked twice
    return refuse("this node reigns already, in epoch " + std::to_string(epoch_counter(epoch_)));
  }
  if (epoch_counter(e.at_least) >= kEpochCounterMax) {
    return refuse("epoch " + std::to_string(epoch_counter(e.at_least)) +
                  " was asked for, which is more than there can have been");
  }
  if (meta_.needs_snapshot) {
    return refuse("the state here is unusable until a snapshot from the peer is installed");
  }
  if (!in_sync() && !e.force) {
    return refuse(meta_.in_sync
                      ? "this node was in sync when it stopped, but its peer may have gone on "
                        "without it: wait for the peer, or force it"
                      : "this node is out of sync: it may lack acknowledged messages; force it "
                        "only if the peer is lost");
  }
  const bool forced = !in_sync();
  const bool empty = forced && last_ == 0;
  const Epoch above = empty ? make_epoch(e.counter_if_empty, config_.node_index) : 0;
  reign(next_epoch(std::max(e.at_least, above)), false,
        forced ? "promoted by force, out of sync" : "promoted; holds everything committed");
}

// Higher than any seen, this node's own, and at least what the agent wants.
Epoch Replica::next_epoch(Epoch at_least) const {
  const Epoch next = make_epoch(epoch_counter(meta_.epoch_seen) + 1, config_.node_index);
  const Epoch wanted = make_epoch(epoch_counter(at_least), config_.node_index);
  if (next >= at_least) return next;
  return wanted >= at_least ? wanted : make_epoch(epoch_counter(at_least) + 1, config_.node_index);
}

// The link goes first: from here on this node confirms nothing of the old epoch.
void Replica::reign(Epoch epoch, bool accepting_offer, std::string reason) {
  TMQ_CHECK(!primary() && epoch > meta_.epoch_seen && !meta_.needs_snapshot);
  if (!accepting_offer) drop_link("this node begins a new reign", false);
  apply_all();
  const bool alone = !meta_.peer_in_sync;
  meta_.epoch_seen = epoch;
  meta_.role = Role::primary;
  meta_.in_sync = confirmed_ = true;
  extend_history(meta_.history, epoch, last_ + 1);
  persist();
  epoch_ = epoch;
  mode_ = alone ? Mode::solo : Mode::waiting;
  follower_ = {};
  append_control(ControlKind::reign_began, "");
  solo_from_ = alone ? append_control(ControlKind::went_solo, "alone since an earlier reign") : 0;
  if (accepting_offer) {
    send(msg::SwitchoverAccept{epoch, ""});
    drop_link("this node begins a new reign", false);
  }
  write_own();
  say(std::move(reason));
}

void Replica::on(const event::Demote& e) {
  if (!primary()) return;
  step_down(true);
  drop_link("this node stepped down", false);
  say("demoted: " + e.reason);
}

// What this node holds stays. Its uncommitted records are kept or cut by whoever reigns next.
void Replica::step_down(bool keeps_sync) {
  meta_.role = Role::standby;
  confirmed_ = keeps_sync;
  applied_ = last_;
  mode_ = Mode::waiting;
  solo_from_ = 0;
  if (follower_.stream == Stream::snapshot || follower_.stream == Stream::snapshot_wanted) {
    act(action::ReleaseSnapshot{});
  }
  follower_ = {};
  if (handing_over_) end_switchover(false, "this node lost its reign");
  persist();
}

void Replica::on(const event::GoSolo& e) {
  if (!primary()) return refuse("only a primary can go on alone, this node is standby");
  if (mode_ == Mode::solo && follower_.announced == 0) return;  // it does already
  if (mode_ == Mode::paired) return refuse("the standby confirms everything, nothing to decide");
  go_solo("authority to go on alone: " + e.authority);
}

// "Announce, then stop requiring": that the peer is out of sync is durable before anything is
// committed without it (the record too: commit_candidate waits for its sync).
void Replica::go_solo(std::string reason) {
  drop_link("the standby is left behind", false);
  meta_.peer_in_sync = false;
  meta_.solo_from = last_ + 1;
  persist();
  mode_ = Mode::solo;
  solo_from_ = append_control(ControlKind::went_solo, reason);
  write_own();
  say(std::move(reason));
}

void Replica::on(const event::LoseSync& e) {
  if (primary()) return refuse("a primary holds everything, it cannot lose sync");
  meta_.in_sync = confirmed_ = false;
  persist();
  // The link too, also of a node that is out of sync already: InSync may be under way on it.
  send(msg::Goodbye{true, e.reason});
  drop_link("out of sync: " + e.reason, false);
  say("out of sync: " + e.reason);
}

void Replica::on(const event::Leave& e) {
  if (primary()) {
    step_down(true);
    send(msg::Goodbye{false, e.reason});
  } else {
    // Only where there is a primary to hear it: the last holder of the data must not disown it.
    const bool heard = leader_.following;
    if (heard) {
      meta_.in_sync = confirmed_ = false;
      persist();
    }
    send(msg::Goodbye{heard, e.reason});
  }
  drop_link("this node leaves: " + e.reason, false);
  act(action::LeaveDone{});
  say("left: " + e.reason);
}

void Replica::on(const event::Switchover&) {
  if (!primary()) return refuse("only a primary can hand over, this node is standby");
  if (mode_ != Mode::paired || !link_) {
    return refuse("the standby does not hold everything: switch over when the pair is paired");
  }
  if (handing_over_) return refuse("a switchover is under way");
  handing_over_ = true;
  handing_over_since_ms_ = now_ms_;
  hand_over_when_drained();
}

// Never in the step that commits: what it released must have left before this node gives up.
void Replica::hand_over_when_drained() {
  if (!handing_over_ || mode_ != Mode::paired) return;
  if (follower_.received != last_ || committed_ != last_) return;
  // First give up, durably; only then can the other one take it.
  handing_over_ = false;
  offered_ = true;
  step_down(true);
  send(msg::SwitchoverOffer{epoch_, last_});
  say("handed over, waiting for the peer to begin its reign");
}

void Replica::on_message(const msg::SwitchoverOffer& m) {
  if (primary() || !leader_.following || !in_sync() || m.epoch != epoch_ || m.lsn != last_ ||
      written_ != last_) {
    return send(msg::SwitchoverAccept{0, "this node does not hold everything"});
  }
  reign(next_epoch(0), true, "took over from the peer, as planned");
}

void Replica::on_message(const msg::SwitchoverAccept& m) {
  if (!offered_) return protocol_error("the peer accepted what was not offered");
  if (m.epoch == 0) {
    end_switchover(false, "the peer refused to take over: " + m.reason);
  } else {
    meta_.epoch_seen = std::max(meta_.epoch_seen, m.epoch);
    persist();
    end_switchover(true, "the peer reigns");
  }
  drop_link(m.epoch == 0 ? "the peer refused to take over" : "handed over to the peer", false);
}

void Replica::end_switchover(bool ok, std::string reason) {
  handing_over_ = offered_ = false;
  act(action::SwitchoverDone{ok, std::move(reason)});
}

}  // namespace tandemq::repl
