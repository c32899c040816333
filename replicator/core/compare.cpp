#include "replicator/core/compare.h"

#include "replicator/core/history.h"

namespace tandemq::repl {

Claim compare(const Member& m, const msg::Hello& peer, Lsn common) {
  const bool alone = !m.meta.peer_in_sync;
  const Epoch mine = epoch_of(m.meta.history, m.last);
  const Epoch theirs = epoch_of(peer.history, peer.last);
  const bool holds_all_of_peer = common == peer.last;
  const bool behind = !holds_all_of_peer && common == m.last;
  const bool parted = !holds_all_of_peer && !behind;
  const bool gone = !alone && peer.solo && peer.needs_snapshot;  // what it acknowledged alone
  Claim claim{m.meta.in_sync, m.confirmed, ""};
  if (m.meta.needs_snapshot) {
    // Nothing to compare.
  } else if (m.last == 0 && peer.last == 0 && m.meta.epoch_seen == 0 && !peer.needs_snapshot) {
    claim.in_sync = claim.confirmed = true;  // a new pair: nothing was ever committed
  } else if (!m.meta.in_sync) {
    // Whoever holds all of a node that held everything committed does so as well. Not of one that
    // is alone: it may go on without asking.
    const bool on_disk = !m.by_sync() || m.synced == m.last;
    if (peer.was_in_sync && !peer.solo && !alone && holds_all_of_peer && on_disk) {
      claim.in_sync = claim.confirmed = true;
    }
  } else if ((peer.was_in_sync || gone) &&
             (peer.solo ? !alone || theirs > mine : !alone && parted && theirs > mine)) {
    claim.in_sync = claim.confirmed = false;  // the peer committed without this node, or could have
  } else if (!behind || alone || (m.by_sync() && peer.by_sync)) {
    // One that is behind may have lost what was not synced when power failed, unless whichever of
    // the two reigned waited for the other's disk.
    claim.confirmed = true;
  }
  const bool holds = claim.in_sync && claim.confirmed && !m.meta.needs_snapshot;
  claim.sentence =
      holds  ? peer.node_name + " is here; this node holds everything, neither reigns"
      : gone ? "out of sync: " + peer.node_name +
                   " went on alone and has lost its data; after `tandemqctl promote --force` this "
                   "node goes on without what only the other one had"
      : m.in_sync() ? "out of sync: " + peer.node_name + " went on without this node"
                    : peer.node_name + " is here; this node may lack records, neither reigns";
  return claim;
}

}  // namespace tandemq::repl
