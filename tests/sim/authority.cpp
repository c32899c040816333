#include "tests/sim/authority.h"

#include <algorithm>

namespace tandemq::sim {
namespace {

constexpr TimeUs kLook = 10 * kMs;

}  // namespace

void Authority::start() {
  watch();
}

void Authority::watch() {
  place_.clock.after(kLook, [this] {
    if (!paused_) {
      for (const unsigned side : {0u, 1u}) judge(side);
    }
    watch();
  });
}

void Authority::judge(unsigned side) {
  Node& own = *nodes_[side];
  const Node& peer = *nodes_[1 - side];
  View& view = view_[side];
  const TimeUs now = place_.clock.now();
  const bool heard = peer.running() && !place_.network.blocked(1 - side);
  if (heard) view.peer_seen = now;
  if (!own.running() || view.isolated) {
    view.waiting_since = view.nobody_since = 0;
    return;
  }
  const repl::ReplicaStatus status = own.status();
  if (status.role == repl::Role::primary) {
    judge_primary(side, status);
  } else {
    judge_standby(side, status);
  }
}

void Authority::judge_primary(unsigned side, const repl::ReplicaStatus& status) {
  View& view = view_[side];
  const TimeUs now = place_.clock.now();
  view.nobody_since = 0;
  if (status.pair_state == repl::PairState::paired && witness_.holder == side) {
    witness_.alone = false;
  }
  if (status.pair_state != repl::PairState::waiting) {
    view.waiting_since = 0;
    return;
  }
  if (view.waiting_since == 0) view.waiting_since = now;
  if (now - view.waiting_since >= waiting_for) go_solo(side);
}

void Authority::judge_standby(unsigned side, const repl::ReplicaStatus& status) {
  View& view = view_[side];
  const Node& peer = *nodes_[1 - side];
  const TimeUs now = place_.clock.now();
  view.waiting_since = 0;
  if (!status.in_sync) {
    view.nobody_since = 0;
    return;
  }
  const bool peer_dead = now - view.peer_seen >= peer_dead_after;
  const repl::ReplicaStatus other = peer.status();
  const bool peer_reigns = !peer_dead && other.role == repl::Role::primary;
  // Both ready: the one that reigned last, so that they do not race.
  const bool peer_is_better = !peer_dead && other.in_sync && witness_.holder != side;
  if (peer_reigns || peer_is_better) {
    view.nobody_since = 0;
    return;
  }
  if (view.nobody_since == 0) view.nobody_since = now;
  if (now - view.nobody_since >= 2 * kLook) promote(side, false);
}

std::string Authority::promote(unsigned side, bool force) {
  // The one that went on alone is here and says itself that it has not kept everything.
  const Node& peer = *nodes_[1 - side];
  const repl::ReplicaStatus other = peer.status();
  const bool disowned = peer.running() && place_.network.reachable() && other.peer_connected &&
                        other.role == repl::Role::standby && !other.in_sync && !other.was_solo;
  if (witness_.alone && witness_.holder != side && !force && !disowned &&
      broken_ != Broken::fence) {
    return "the witness says that the peer went on alone";
  }
  const std::string refusal = nodes_[side]->promote(witness_.epoch, force);
  if (!refusal.empty()) return refusal;
  if (nodes_[side]->status().role != repl::Role::primary) return "it stopped";
  if (witness_.holder != side) witness_.alone = false;
  witness_.holder = side;
  witness_.epoch = std::max(witness_.epoch, nodes_[side]->status().epoch);
  return "";
}

std::string Authority::go_solo(unsigned side) {
  if (witness_.holder != side && broken_ != Broken::fence) {
    return "the witness says that the peer reigns";
  }
  const bool before = std::exchange(witness_.alone, true);
  std::string refusal = nodes_[side]->go_solo("witness");
  if (!refusal.empty()) witness_.alone = before;
  return refusal;
}

}  // namespace tandemq::sim
