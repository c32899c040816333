// Orders of the failover agent, and every change of role.
#include <algorithm>
#include <utility>

#include "broker/base/check.h"
#include "replicator/core/history.h"
#include "replicator/core/replica.h"

namespace tandemq::repl {

void Replica::on(const event::Promote& e) {
  if (m_.primary()) {
    if (m_.epoch >= e.at_least) return;  // asked twice
    return refuse("this node reigns already, in epoch " + std::to_string(epoch_counter(m_.epoch)));
  }
  if (epoch_counter(e.at_least) >= kEpochCounterMax) {
    return refuse("epoch " + std::to_string(epoch_counter(e.at_least)) +
                  " was asked for, which is more than there can have been");
  }
  if (m_.meta.needs_snapshot) {
    return refuse("the state here is unusable until a snapshot from the peer is installed");
  }
  if (!m_.in_sync() && !e.force) {
    return refuse(m_.meta.in_sync
                      ? "this node was in sync when it stopped, but its peer may have gone on "
                        "without it: wait for the peer, or force it"
                      : "this node is out of sync: it may lack acknowledged messages; force it "
                        "only if the peer is lost");
  }
  const bool forced = !m_.in_sync();
  const bool empty = forced && m_.last == 0;
  const Epoch above = empty ? make_epoch(e.counter_if_empty, m_.config.node_index) : 0;
  const Epoch epoch = next_epoch(std::max(e.at_least, above));
  const char* reason =
      forced ? "promoted by force, out of sync" : "promoted; holds everything committed";
  if (!e.claims_first) return reign(epoch, false, reason);
  reign_ = {epoch, reason};
  m_.durable = reigning(epoch);
  m_.act(action::PersistMeta{m_.durable});
}

// What came to nothing is durably taken back: the peer, which may have gone on alone meanwhile,
// would follow the higher epoch.
void Replica::on(const event::Claimed& e) {
  const std::optional<Intended> next = std::exchange(reign_, std::nullopt);
  if (!next || m_.primary()) return;
  if (e.stands) return reign(next->epoch, false, next->reason);
  m_.persist();
  refuse(
      "the time of the order ended while the new reign was written to the disk; ask for it again");
}

// Higher than any seen, this node's own, and at least what the agent wants.
Epoch Replica::next_epoch(Epoch at_least) const {
  const Epoch next = make_epoch(epoch_counter(m_.meta.epoch_seen) + 1, m_.config.node_index);
  const Epoch wanted = make_epoch(epoch_counter(at_least), m_.config.node_index);
  if (next >= at_least) return next;
  return wanted >= at_least ? wanted
                            : make_epoch(epoch_counter(at_least) + 1, m_.config.node_index);
}

Meta Replica::reigning(Epoch epoch) const {
  Meta meta = m_.meta;
  meta.epoch_seen = epoch;
  meta.role = Role::primary;
  meta.in_sync = true;
  extend_history(meta.history, epoch, m_.last + 1);
  return meta;
}

// The link goes first: from here on this node confirms nothing of the old epoch.
void Replica::reign(Epoch epoch, bool accepting_offer, std::string reason) {
  TMQ_CHECK(!m_.primary() && epoch > m_.meta.epoch_seen && !m_.meta.needs_snapshot);
  if (!accepting_offer) drop_link("this node begins a new reign", false);
  standby_.apply_all();
  const bool alone = !m_.meta.peer_in_sync;
  m_.meta = reigning(epoch);
  m_.confirmed = true;
  m_.persist();
  m_.epoch = epoch;
  primary_.begin(alone);
  if (accepting_offer) {
    m_.send(msg::SwitchoverAccept{epoch, ""});
    drop_link("this node begins a new reign", false);
  }
  primary_.write_own();
  m_.say(std::move(reason));
}

void Replica::on(const event::Demote& e) {
  if (!m_.primary()) return;
  step_down(true);
  drop_link("this node stepped down", false);
  m_.say("demoted: " + e.reason);
}

// What this node holds stays. Its uncommitted records are kept or cut by whoever reigns next.
void Replica::step_down(bool keeps_sync) {
  m_.meta.role = Role::standby;
  m_.confirmed = keeps_sync;
  m_.applied = m_.last;
  primary_.end();
  if (handing_over_) end_switchover(false, "this node lost its reign");
  m_.persist();
}

void Replica::on(const event::GoSolo& e) {
  if (!m_.primary()) return refuse("only a primary can go on alone, this node is standby");
  if (primary_.solo() && !primary_.told_in_sync()) return;  // it does already
  if (primary_.paired()) return refuse("the standby confirms everything, nothing to decide");
  go_solo("authority to go on alone: " + e.authority);
}

void Replica::go_solo(std::string reason) {
  drop_link("the standby is left behind", false);
  primary_.go_solo(std::move(reason));
}

void Replica::on(const event::LoseSync& e) {
  if (m_.primary()) return refuse("a primary holds everything, it cannot lose sync");
  m_.meta.in_sync = m_.confirmed = false;
  m_.persist();
  // The link too, also of a node that is out of sync already: InSync may be under way on it.
  m_.send(msg::Goodbye{true, e.reason});
  drop_link("out of sync: " + e.reason, false);
  m_.say("out of sync: " + e.reason);
}

void Replica::on(const event::Leave& e) {
  if (m_.primary()) {
    step_down(true);
    m_.send(msg::Goodbye{false, e.reason});
  } else {
    // Only where there is a primary to hear it: the last holder of the data must not disown it.
    const bool heard = standby_.following();
    if (heard) {
      m_.meta.in_sync = m_.confirmed = false;
      m_.persist();
    }
    m_.send(msg::Goodbye{heard, e.reason});
  }
  drop_link("this node leaves: " + e.reason, false);
  m_.act(action::LeaveDone{});
  m_.say("left: " + e.reason);
}

void Replica::on(const event::Switchover&) {
  if (!m_.primary()) return refuse("only a primary can hand over, this node is standby");
  if (!primary_.paired() || !m_.linked) {
    return refuse("the standby does not hold everything: switch over when the pair is paired");
  }
  if (handing_over_) return refuse("a switchover is under way");
  handing_over_ = true;
  handing_over_since_ms_ = m_.now_ms;
  hand_over_when_drained();
}

// Never in the step that commits: what it released must have left before this node gives up.
void Replica::hand_over_when_drained() {
  if (!handing_over_ || !primary_.drained()) return;
  // First give up, durably; only then can the other one take it.
  handing_over_ = false;
  offered_ = true;
  step_down(true);
  m_.send(msg::SwitchoverOffer{m_.epoch, m_.last});
  m_.say("handed over, waiting for the peer to begin its reign");
}

void Replica::on_message(const msg::SwitchoverOffer& m) {
  if (m_.primary() || !standby_.following() || !m_.in_sync() || m.epoch != m_.epoch ||
      m.lsn != m_.last || m_.written != m_.last) {
    return m_.send(msg::SwitchoverAccept{0, "this node does not hold everything"});
  }
  // Both end at once: the other one must know who of them is out of sync.
  if (ends_) return on(event::Leave{"it ends as well"});
  reign(next_epoch(0), true, "took over from the peer, as planned");
}

void Replica::on_message(const msg::SwitchoverAccept& m) {
  if (!offered_) return heed(protocol_error("the peer accepted what was not offered"));
  if (m.epoch == 0) {
    end_switchover(false, "the peer refused to take over: " + m.reason);
  } else {
    m_.meta.epoch_seen = std::max(m_.meta.epoch_seen, m.epoch);
    m_.persist();
    end_switchover(true, "the peer reigns");
  }
  drop_link(m.epoch == 0 ? "the peer refused to take over" : "handed over to the peer", false);
}

// The offer crossed the peer's leave: it is durably out of sync and accepts nothing any more. This
// node has given up its reign and holds all that was committed, for as long as its tail is there.
void Replica::left_alone() {
  m_.meta.peer_in_sync = false;
  m_.meta.solo_from = m_.last;
  m_.persist();
  m_.say("the peer left while the reign was offered to it: this node holds everything, alone");
}

void Replica::end_switchover(bool ok, std::string reason) {
  handing_over_ = offered_ = false;
  m_.act(action::SwitchoverDone{ok, std::move(reason)});
}

}  // namespace tandemq::repl
