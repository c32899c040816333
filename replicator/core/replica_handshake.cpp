// The link comes and goes, and what two nodes conclude from each other's Hello.
#include <algorithm>

#include "replicator/core/history.h"
#include "replicator/core/replica.h"

namespace tandemq::repl {
namespace {

constexpr std::uint64_t kRefusalLastsMs = 15000;

}  // namespace

void Replica::on(const event::LinkUp&) {
  if (link_) link_lost("replaced by a new connection");
  link_ = true;
  greeted_ = false;
  heard_ms_ = beat_ms_ = now_ms_;
  send(own_hello());
}

void Replica::on(const event::LinkDown& e) {
  if (link_) link_lost(e.reason);
}

void Replica::on(const event::Received& e) {
  if (!link_) return;
  heard_ms_ = now_ms_;
  const bool opening = std::holds_alternative<msg::Hello>(*e.message) ||
                       std::holds_alternative<msg::Reject>(*e.message);
  if (!greeted_ && !opening) {
    return protocol_error(std::string("the peer began with ") + name_of(*e.message));
  }
  // It has taken our Hello as well.
  if (!opening && !meeting_.refused.empty()) meeting_.refused.clear();
  std::visit([this](const auto& m) { on_message(m); }, *e.message);
}

// Both nodes may complain of the same, each in its own words: the first counts for a while.
void Replica::on(const event::PeerRefused& e) {
  if (greeted_ || meeting_.refused == e.reason) return;
  if (!meeting_.refused.empty() && now_ms_ - refused_ms_ < kRefusalLastsMs) return;
  meeting_.refused = e.reason;
  refused_ms_ = now_ms_;
  said_ = true;
}

NodeIdentity Replica::identity() const {
  return {config_.software, meta_.pair_id, config_.node_index, config_.node_name,
          config_.peer_name};
}

msg::Hello Replica::own_hello() const {
  msg::Hello hello;
  hello.software = config_.software;
  hello.pair_id = meta_.pair_id;
  hello.node_index = config_.node_index;
  hello.node_name = config_.node_name;
  hello.epoch_seen = meta_.epoch_seen;
  hello.role = meta_.role;
  hello.in_sync = in_sync();
  hello.was_in_sync = meta_.in_sync && !meta_.needs_snapshot;
  hello.solo = !meta_.peer_in_sync;
  hello.needs_snapshot = meta_.needs_snapshot;
  hello.by_sync = by_sync();
  hello.first = first_;
  hello.last = last_;
  hello.history = meta_.history;
  hello.messages = kMessagesKnown;
  hello.known = config_.known;
  hello.settings = config_.settings;
  return hello;
}

void Replica::reject(const std::string& reason) {
  send(msg::Reject{reason});
  meeting_.refused = reason;
  protocol_error(reason);
}

void Replica::on_message(const msg::Hello& peer) {
  if (greeted_) return protocol_error("the peer said Hello twice");
  const Status valid = check_hello(peer, identity());
  if (!valid) return reject(valid.error().message);
  if (!heed_epoch(peer)) return;
  const std::string missing = lacking(peer.known, meta_.agreed);
  if (!missing.empty()) {
    return reject(who(peer.node_name, peer.software) + " does not know " + missing +
                  ", which may stand in the data of " + who(config_.node_name, config_.software) +
                  ": install that version or a newer one on both");
  }
  greeted_ = true;
  meet(peer);
  leader_.common = common_point(meta_.history, last_, peer.history, peer.last);
  // Of two primaries the other one has the lower epoch, learns it from our Hello and steps down.
  if (primary() && peer.role != Role::primary) return lead(peer);
  if (!primary() && peer.role != Role::primary) compare_with(peer);
}

// False when this node reigned and the other one has seen a later reign.
bool Replica::heed_epoch(const msg::Hello& peer) {
  if (peer.epoch_seen <= meta_.epoch_seen) return true;
  meta_.epoch_seen = peer.epoch_seen;
  if (!primary()) return persist(), true;
  // Its effects stay held for ever: the host drops them when it hears of the new role.
  step_down(false);
  drop_link("a higher epoch exists: " + peer.node_name + " has seen epoch " +
                std::to_string(epoch_counter(peer.epoch_seen)),
            false);
  return false;
}

// What both can read is durable on each before the first record is written by it, and before the
// first record of the other's comes. It covers what was agreed before, so it never narrows.
void Replica::meet(const msg::Hello& peer) {
  meeting_.peer_software = peer.software;
  meeting_.differences = differences(config_.settings, peer.settings);
  peer_by_sync_ = peer.by_sync;
  peer_messages_ = peer.messages;
  agree_on(common(config_.known, peer.known));
  persist();
#ifdef TANDEMQ_NEXT
  if (peer_messages_ & message_bit<msg::Remark>()) send(msg::Remark{"heard"});
#endif
}

void Replica::agree_on(Features features) {
  meta_.agreed = std::move(features);
  writes_ = table_of(meta_.agreed);
}

// Two nodes of which neither reigns: which of them hold everything that was committed?
void Replica::compare_with(const msg::Hello& peer) {
  const bool was = in_sync();
  const bool alone = !meta_.peer_in_sync;
  const Epoch mine = epoch_of(meta_.history, last_);
  const Epoch theirs = epoch_of(peer.history, peer.last);
  const bool holds_all_of_peer = leader_.common == peer.last;
  const bool behind = !holds_all_of_peer && leader_.common == last_;
  const bool parted = !holds_all_of_peer && !behind;
  const bool gone = !alone && peer.solo && peer.needs_snapshot;  // what it acknowledged alone
  if (meta_.needs_snapshot) {
    // Nothing to compare.
  } else if (last_ == 0 && peer.last == 0 && meta_.epoch_seen == 0 && !peer.needs_snapshot) {
    meta_.in_sync = confirmed_ = true;  // a new pair: nothing was ever committed
  } else if (!meta_.in_sync) {
    // Whoever holds all of a node that held everything committed does so as well. Not of one that
    // is alone: it may go on without asking.
    const bool on_disk = config_.commit == CommitRule::replicated || synced_ == last_;
    if (peer.was_in_sync && !peer.solo && !alone && holds_all_of_peer && on_disk) {
      meta_.in_sync = confirmed_ = true;
    }
  } else if ((peer.was_in_sync || gone) &&
             (peer.solo ? !alone || theirs > mine : !alone && parted && theirs > mine)) {
    meta_.in_sync = confirmed_ = false;  // the peer committed without this node, or could have
  } else if (!behind || alone || (by_sync() && peer_by_sync_)) {
    // One that is behind may have lost what was not synced when power failed, unless whichever of
    // the two reigned waited for the other's disk.
    confirmed_ = true;
  }
  persist();
  say(in_sync() ? peer.node_name + " is here; this node holds everything, neither reigns"
      : gone    ? "out of sync: " + peer.node_name +
                   " went on alone and has lost its data; after `tandemqctl promote --force` this "
                   "node goes on without what only the other one had"
      : was ? "out of sync: " + peer.node_name + " went on without this node"
            : peer.node_name + " is here; this node may lack records, neither reigns");
}

void Replica::on_message(const msg::Goodbye& m) {
  const bool lets_go = primary() && m.out_of_sync;
  drop_link(m.out_of_sync ? "the standby left in good order: " + m.reason
                          : "the peer said goodbye: " + m.reason,
            false);
  if (lets_go && mode_ != Mode::solo) go_solo("the standby left in good order: " + m.reason);
}

void Replica::on_message(const msg::Reject& m) {
  meeting_.refused = m.reason;
  drop_link("the peer refused this node: " + m.reason, true);
}

void Replica::on_message(const msg::Heartbeat& m) {
  if (primary() || !leader_.following || m.epoch != epoch_) return;
  leader_.target = std::max(leader_.target, m.last);
  if (!leader_.waits_for_snapshot) committed_ = std::max(committed_, std::min(m.committed, last_));
  if (m.pair_time != 0) act(action::LearnTime{m.pair_time});
}

void Replica::drop_link(const std::string& reason, bool back_off) {
  if (!link_) return;
  act(action::DropLink{reason, back_off});
  link_lost(reason);
}

void Replica::link_lost(const std::string& reason) {
  const Follower was = std::move(follower_);
  follower_ = {};
  leader_ = {};
  link_ = greeted_ = false;
  say(reason);
  if (was.stream == Stream::snapshot || was.stream == Stream::snapshot_wanted) {
    act(action::ReleaseSnapshot{});
  }
  if (primary()) {
    // Once InSync is out the standby may count itself in sync: going on alone needs authority.
    if (mode_ == Mode::paired || was.announced != 0) {
      mode_ = Mode::waiting;
      solo_from_ = 0;
    }
    commit();
  }
  if (handing_over_) end_switchover(false, "the link broke before everything was confirmed");
  if (offered_) end_switchover(false, "the link broke before the peer answered the offer");
}

}  // namespace tandemq::repl
