// The link comes and goes, and what two nodes conclude from each other's Hello.
#include <algorithm>

#include "replicator/core/compare.h"
#include "replicator/core/history.h"
#include "replicator/core/replica.h"

namespace tandemq::repl {
namespace {

constexpr std::uint64_t kRefusalLastsMs = 15000;

}  // namespace

void Replica::on(const event::LinkUp&) {
  if (m_.linked) link_lost("replaced by a new connection");
  m_.linked = true;
  m_.greeted = false;
  // No word of the peer's: the kernel of a host whose processes stand still takes connections.
  patient_ms_ = beat_ms_ = m_.now_ms;
  m_.send(m_.hello());
}

void Replica::on(const event::LinkDown& e) {
  if (m_.linked) link_lost(e.reason);
}

void Replica::on(const event::Received& e) {
  if (!m_.linked) return;
  heard_ms_ = patient_ms_ = m_.now_ms;
  const bool opening = std::holds_alternative<msg::Hello>(*e.message) ||
                       std::holds_alternative<msg::Reject>(*e.message);
  if (!m_.greeted && !opening) {
    return heed(protocol_error(std::string("the peer began with ") + name_of(*e.message)));
  }
  // It has taken our Hello as well.
  if (!opening && !meeting_.refused.empty()) meeting_.refused.clear();
  std::visit([this](const auto& m) { on_message(m); }, *e.message);
}

// Both nodes may complain of the same, each in its own words: the first counts for a while.
void Replica::on(const event::PeerRefused& e) {
  if (m_.greeted || meeting_.refused == e.reason) return;
  if (!meeting_.refused.empty() && m_.now_ms - refused_ms_ < kRefusalLastsMs) return;
  meeting_.refused = e.reason;
  refused_ms_ = m_.now_ms;
  m_.said = true;
}

void Replica::reject(const std::string& reason) {
  m_.send(msg::Reject{reason});
  meeting_.refused = reason;
  heed(protocol_error(reason));
}

void Replica::on_message(const msg::Hello& peer) {
  if (m_.greeted) return heed(protocol_error("the peer said Hello twice"));
  const Status valid = check_hello(peer, {m_.config.software, m_.meta.pair_id, m_.config.node_index,
                                          m_.config.node_name, m_.config.peer_name});
  if (!valid) return reject(valid.error().message);
  if (!heed_epoch(peer)) return;
  const std::string missing = lacking(peer.known, m_.meta.agreed);
  if (!missing.empty()) {
    return reject(who(peer.node_name, peer.software) + " does not know " + missing +
                  ", which may stand in the data of " +
                  who(m_.config.node_name, m_.config.software) +
                  ": install that version or a newer one on both");
  }
  m_.greeted = true;
  meet(peer);
  const Lsn common = common_point(m_.meta.history, m_.last, peer.history, peer.last);
  standby_.met(common);
  // Of two primaries the other one has the lower epoch, learns it from our Hello and steps down.
  if (m_.primary() && peer.role != Role::primary) return primary_.lead(peer, common);
  if (m_.primary() || peer.role == Role::primary) return;
  const Claim claim = compare(m_, peer, common);
  m_.meta.in_sync = claim.in_sync;
  m_.confirmed = claim.confirmed;
  m_.persist();
  m_.say(claim.sentence);
}

// False when this node reigned and the other one has seen a later reign.
bool Replica::heed_epoch(const msg::Hello& peer) {
  if (peer.epoch_seen <= m_.meta.epoch_seen) return true;
  m_.meta.epoch_seen = peer.epoch_seen;
  if (!m_.primary()) return m_.persist(), true;
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
  meeting_.differences = differences(m_.config.settings, peer.settings);
  peer_messages_ = peer.messages;
  m_.agree_on(common(m_.config.known, peer.known));
  m_.persist();
#ifdef TANDEMQ_NEXT
  if (peer_messages_ & message_bit<msg::Remark>()) m_.send(msg::Remark{"heard"});
#endif
}

void Replica::on_message(const msg::Goodbye& m) {
  const bool lets_go = m_.primary() && m.out_of_sync;
  const bool declines = offered_ && m.out_of_sync;
  drop_link(m.out_of_sync ? "the standby left in good order: " + m.reason
                          : "the peer said goodbye: " + m.reason,
            false);
  if (lets_go && !primary_.solo()) go_solo("the standby left in good order: " + m.reason);
  if (declines) left_alone();
}

void Replica::on_message(const msg::Reject& m) {
  meeting_.refused = m.reason;
  drop_link("the peer refused this node: " + m.reason, true);
}

void Replica::heed(const LinkFault& fault) {
  if (fault) drop_link(fault->reason, fault->back_off);
}

void Replica::drop_link(const std::string& reason, bool back_off) {
  if (!m_.linked) return;
  m_.act(action::DropLink{reason, back_off});
  link_lost(reason);
}

void Replica::link_lost(const std::string& reason) {
  m_.linked = m_.greeted = false;
  m_.say(reason);
  standby_.link_lost();
  primary_.link_lost();
  if (handing_over_) end_switchover(false, "the link broke before everything was confirmed");
  if (offered_) end_switchover(false, "the link broke before the peer answered the offer");
}

}  // namespace tandemq::repl
