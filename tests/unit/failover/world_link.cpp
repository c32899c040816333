// The link between the brokers: they meet, resync, replicate, hand over, and acknowledge.
#include <algorithm>

#include "world.h"

namespace tandemq::failover::model {
namespace {

constexpr TimeMs kLinkSilenceMs = 250;

}  // namespace

bool World::link_up() const {
  return nodes[0].host_up && nodes[1].host_up && !cut[0][1] && !cut[1][1];
}

// The standby's journal becomes the primary's; at once when it only lacks a tail.
void World::follow(ModelBroker& p, ModelBroker& s) {
  if (p.epoch < s.epoch) return p.become(Role::standby, PairState::waiting);
  p.connected = s.connected = true;
  const bool prefix = s.journal.size() <= p.journal.size() &&
                      std::equal(s.journal.begin(), s.journal.end(), p.journal.begin());
  if (s.in_sync && prefix && p.pair == PairState::waiting) {
    s.journal = p.journal;
    s.epoch = p.epoch;
    p.was_solo = s.was_solo = false;
    p.become(Role::primary, PairState::paired);
    s.become(Role::standby, PairState::paired);
  } else {
    s.in_sync = s.was_solo = false;
    s.synced_at = now + 50 + pick(500);
    p.become(Role::primary, PairState::resyncing);
    s.become(Role::standby, PairState::resyncing);
  }
  ++p.change;
  ++s.change;
}

// A claim whose sync had begun is on disk in the end, with or without a link.
void World::claim_turn(std::size_t n) {
  ModelBroker& b = nodes[n].broker;
  if (b.claim_durable_at == 0 || now < b.claim_durable_at) return;
  b.claim_durable_at = 0;
  b.in_sync = true;
  if (b.connected) b.pair = PairState::paired;  // as far as it knows
  ++b.change;
  observe_broker(n);  // it says so before it looks at the link again
  note("broker " + std::to_string(n) + " is durably in sync");
}

void World::link_turn() {
  for (std::size_t n : {0u, 1u}) claim_turn(n);
  ModelBroker* b[2] = {&nodes[0].broker, &nodes[1].broker};
  const bool live = link_up() && b[0]->alive && b[1]->alive;
  const bool moving = live && b[0]->paused_until <= now && b[1]->paused_until <= now;
  if (moving) b[0]->link_heard = b[1]->link_heard = now;
  for (std::size_t n : {0u, 1u}) {
    if (!b[n]->alive || b[n]->paused_until > now || !b[n]->connected) continue;
    const bool closed = live && !b[1 - n]->connected;
    const bool died = link_up() && !b[1 - n]->alive;
    if (!closed && !died && now < b[n]->link_heard + kLinkSilenceMs) continue;
    b[n]->connected = b[n]->peer_told = false;
    b[n]->synced_at = 0;
    ++b[n]->change;
    const bool solo = b[n]->role == Role::primary && b[n]->was_solo;
    b[n]->become(b[n]->role, solo ? PairState::solo : PairState::waiting);
  }
  if (!moving) return;
  if (b[0]->connected && b[1]->connected) {
    for (std::size_t n : {0u, 1u}) {
      ModelBroker &s = *b[n], &p = *b[1 - n];
      if (s.role == Role::standby && p.role == Role::primary) {
        if (s.pair == PairState::waiting) follow(p, s);
        if (s.synced_at != 0 && now >= s.synced_at) {
          p.announce(s.journal);
          s.epoch = p.epoch;
          s.begin_claim(now, pick(4) == 0 ? pick(slow_sync_max) : pick(10));
        } else if (p.peer_told && s.in_sync && p.pair != PairState::paired) {
          s.journal = p.journal;
          p.peer_told = false;
          p.become(Role::primary, PairState::paired);
          s.become(Role::standby, PairState::paired);
        }
      }
    }
    return;
  }
  if (b[0]->connected || b[1]->connected || pick(8) != 0) return;
  if (b[0]->role == Role::primary && b[1]->role == Role::primary) {
    ModelBroker& loser = *b[b[0]->epoch < b[1]->epoch ? 0 : 1];
    loser.become(Role::standby, PairState::waiting);
    return;
  }
  b[0]->connected = b[1]->connected = true;
  ++b[0]->change;
  ++b[1]->change;
}

void World::write_turn(std::size_t n) {
  ModelBroker& p = nodes[n].broker;
  ModelBroker& s = nodes[1 - n].broker;
  if (!p.alive || p.paused_until > now || p.role != Role::primary) return;
  p.journal.push_back({p.epoch, ledger_.next_id()});
  if (p.pair == PairState::solo) return acknowledge(p, p.journal.size());
  if (p.pair == PairState::resyncing && p.was_solo) return acknowledge(p, p.journal.size());
  const bool confirms = p.connected && s.connected && s.alive && s.paused_until <= now &&
                        link_up() && s.role == Role::standby && s.pair == PairState::paired;
  if (p.pair != PairState::paired || !confirms) return;
  s.journal = p.journal;
  acknowledge(p, p.journal.size());
  if (violation.empty()) admitted = false;
}

void World::acknowledge(const ModelBroker& b, std::size_t upto) {
  const std::uint64_t missing = ledger_.acknowledge(b, upto);
  if (missing == 0 || !violation.empty()) return;
  violation = std::to_string(now) + ": node " + std::to_string(b.index - 1) +
              " acknowledges, but lacks acknowledged entry " + std::to_string(missing);
}

// The old primary gives up first; whether the offer arrives is another matter.
OrderDone World::hand_over(std::size_t n) {
  ModelBroker &p = nodes[n].broker, &s = nodes[1 - n].broker;
  OrderDone done{Order::switchover, false, true, 0, 0, "not paired"};
  const bool ready = p.role == Role::primary && p.pair == PairState::paired && p.connected &&
                     s.connected && s.alive && s.paused_until <= now && link_up();
  if (!ready) return done;
  s.journal = p.journal;
  p.become(Role::standby, PairState::waiting);
  p.connected = false;
  done.refused = false;
  done.error = "the peer did not answer the offer";
  if (pick(3) == 0) return done;
  done.ok = s.carry_out(Order::promote, s.epoch, false, 0, 0, now).ok;
  ledger_.begin_reign(s);
  return done;
}

}  // namespace tandemq::failover::model
