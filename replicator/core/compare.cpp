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
  // What the peer acknowledged alone. Where this node was alone too the later reign counts; a reign
  // that the peer only heard of was not its own.
  const bool later = epoch_node(peer.epoch_seen) == peer.node_index && peer.epoch_seen > mine;
  const bool gone = peer.solo && peer.needs_snapshot && (!alone || later);
  // It may be in the place of one that went on alone: it knows nothing and vouches for nothing.
  const bool empty = peer.last == 0 && !peer.was_in_sync && !peer.needs_snapshot && m.last != 0;
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
  } else if (gone || (peer.was_in_sync &&
                      (peer.solo ? !alone || theirs > mine : !alone && parted && theirs > mine))) {
    claim.in_sync = claim.confirmed = false;  // the peer committed without this node, or could have
  } else if (alone || (!behind && !empty) || (behind && m.by_sync() && peer.by_sync)) {
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
      : empty && claim.in_sync
          ? peer.node_name +
                " holds no data: whether it went on alone before, nobody can tell; "
                "`tandemqctl promote` on this node if it did not"
      : m.in_sync() ? "out of sync: " + peer.node_name + " went on without this node"
                    : peer.node_name + " is here; this node may lack records, neither reigns";
  return claim;
}

}  // namespace tandemq::repl
