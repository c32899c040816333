// A broker as the agents see it: roles, epochs, the commit rule and resync in a few lines, so that
// the property test can drive two agents against two brokers on virtual time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "failover/core/event.h"

namespace tandemq::failover::model {

struct Entry {
  Epoch epoch;
  std::uint64_t id;
  bool operator==(const Entry&) const = default;
};

struct ModelBroker {
  unsigned index = 1;
  // durable
  Epoch epoch = 0;
  std::vector<Entry> journal;
  bool in_sync = true;
  bool was_solo = false;
  // volatile
  bool alive = false;
  std::uint64_t life = 0;  // grows at every start, stands for the process id
  TimeMs paused_until = 0;
  TimeMs disk_stalled_until = 0;  // its loop stands in a write until then, even when killed
  bool killed = false;            // ... and was: it ends with the stall
  bool spent = false;             // ... by its agent, which counts it as dead from then on
  Role role = Role::standby;
  PairState pair = PairState::waiting;
  bool connected = false;
  TimeMs link_heard = 0;
  TimeMs synced_at = 0;  // resyncing standby: caught up at this time, InSync comes
  // InSync came: its loop stands still until the claim is on disk, whatever the link does
  // meanwhile.
  TimeMs claim_durable_at = 0;
  bool peer_told = false;  // primary: InSync is out, the standby may count itself in sync
  std::uint64_t change = 0;
  std::size_t confirmed = 0;  // entries that the standby has confirmed, while paired or resyncing

  void start() {
    alive = true;
    ++life;
    paused_until = 0;
    killed = spent = false;
    role = Role::standby;
    pair = PairState::waiting;
    connected = peer_told = false;
    synced_at = claim_durable_at = 0;
    ++change;
  }

  BrokerStatus status(TimeMs now) const {
    BrokerStatus b{role,     pair,      epoch, journal.size(), in_sync, in_sync,
                   was_solo, connected, 0,     change};
    b.peer_silent_ms = link_heard == 0 ? 1'000'000 : now - link_heard;
    return b;
  }

  void become(Role r, PairState p) {
    if (role == r && pair == p) return;
    if (r != Role::primary) peer_told = false;
    role = r;
    pair = p;
    ++change;
  }

  // The standby may call itself in sync from here on; permission to go alone from before is void.
  void announce(std::vector<Entry>& standby_journal) {
    was_solo = false;
    peer_told = true;
    standby_journal = journal;
    ++change;
  }

  void begin_claim(TimeMs now, TimeMs takes) {
    synced_at = 0;
    claim_durable_at = now + takes;
    paused_until = std::max(paused_until, claim_durable_at);
  }

  // Carries out an order the way docs/control-protocol.md says.
  OrderDone carry_out(const Order order, Epoch at_least, bool force, std::uint64_t at_change,
                      TimeMs deadline, TimeMs now) {
    OrderDone done{order, true, false, 0, 0, ""};
    auto refuse = [&](const char* why) {
      done.ok = false;
      done.refused = true;
      done.error = why;
      return done;
    };
    switch (order) {
      case Order::promote:
        if (role == Role::primary) return done.epoch = epoch, done;
        if (at_change != 0 && at_change != change) return refuse("stale");
        if (!in_sync && !force) return refuse("not in sync");
        if (deadline != 0 && now > deadline) return refuse("expired");
        epoch = make_epoch(epoch_counter(std::max(epoch, at_least)) + 1, index);
        in_sync = true;
        connected = false;
        become(Role::primary, was_solo ? PairState::solo : PairState::waiting);
        journal.push_back({epoch, 0});
        done.epoch = epoch;
        done.change = change;
        return done;
      case Order::demote:
        connected = false;
        become(Role::standby, PairState::waiting);
        return done;
      case Order::solo:
        if (role != Role::primary || pair != PairState::waiting) return refuse("not waiting");
        if (at_change != 0 && at_change != change) return refuse("stale");
        was_solo = true;
        become(Role::primary, PairState::solo);
        return done;
      case Order::lose_sync:
        if (role == Role::primary) return refuse("primary");
        in_sync = false;
        connected = false;
        pair = PairState::waiting;
        synced_at = 0;
        ++change;
        return done;
      default:
        return refuse("unknown");
    }
  }
};

}  // namespace tandemq::failover::model
