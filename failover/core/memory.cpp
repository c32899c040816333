#include "failover/core/memory.h"

#include <tuple>

namespace tandemq::failover {
namespace {

auto lasting(const Memory& m) {
  const BrokerStatus& b = m.broker;
  return std::make_tuple(m.owes_lose_sync, m.owe_outlived, m.owe_reign, m.peer_reign, m.maybe_solo,
                         m.broker_known, b.role, b.epoch, b.was_in_sync, b.was_solo, b.lost_alone);
}

}  // namespace

bool Memory::same_as(const Memory& other) const {
  return lasting(*this) == lasting(other);
}

Memory memory_of(const State& s) {
  const Facts& f = s.facts;
  Memory m;
  m.owes_lose_sync = s.owe_lose_sync || s.lose_sync_pending;
  m.owe_outlived = s.owe_outlived;
  m.owe_reign = s.owe_reign;
  m.peer_reign = f.peer_reign;
  m.maybe_solo = f.maybe_solo;
  m.broker_known = f.broker_known;
  m.broker.role = f.broker.role;
  m.broker.epoch = f.broker.epoch;
  m.broker.last_lsn = f.broker.last_lsn;
  m.broker.was_in_sync = f.broker.in_sync || f.broker.was_in_sync;
  m.broker.was_solo = f.broker.was_solo;
  m.broker.lost_alone = f.broker.lost_alone;
  return m;
}

void recall(const Memory& memory, State& s) {
  s.owe_lose_sync = memory.owes_lose_sync;
  s.owe_outlived = memory.owe_outlived;
  s.owe_reign = memory.owe_reign;
  s.facts.peer_reign = memory.peer_reign;
  s.facts.maybe_solo = memory.maybe_solo;
  s.facts.broker_known = memory.broker_known;
  s.facts.broker = memory.broker;
}

}  // namespace tandemq::failover
