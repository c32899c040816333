// A broker as the agents see it: roles, epochs, the commit rule and resync in a few lines, so that
// the property test can drive two agents against two brokers on virtual time.
#pragma once

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
  Role role = Role::standby;
  PairState pair = PairState::waiting;
  bool connected = false;
  TimeMs link_heard = 0;
  TimeMs synced_at = 0;  // resyncing standby: done at this time
  std::uint64_t change = 0;
  std::size_t confirmed = 0;  // entries that the standby has confirmed, while paired or resyncing

  void start() {
    alive = true;
    ++life;
    paused_until = 0;
    role = Role::standby;
    pair = PairState::waiting;
    connected = false;
    synced_at = 0;
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
    role = r;
    pair = p;
    ++change;
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
        if (!in_sync && !force) return refuse("not in sync");
        if (deadline != 0 && now > deadline) return refuse("expired");
        epoch = make_epoch(epoch_counter(std::max(epoch, at_least)) + 1, index);
        in_sync = true;
        connected = false;
        become(Role::primary, PairState::waiting);
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
