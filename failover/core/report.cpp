#include "failover/core/guards.h"

namespace tandemq::failover {

Report report_of(const State& s, const Settings& settings) {
  const Facts& f = s.facts;
  Report r;
  r.boot = settings.boot;
  r.phase = s.phase;
  r.broker_known = f.broker_known;
  r.broker_alive = f.broker_alive;
  r.role = f.broker.role;
  r.pair_state = f.broker.pair_state;
  r.epoch = f.broker.epoch;
  r.last_lsn = f.broker.last_lsn;
  r.in_sync = f.broker.in_sync && !s.owe_lose_sync;
  r.was_in_sync = f.broker.was_in_sync && !s.owe_lose_sync;
  r.was_solo = f.broker.was_solo || f.broker.lost_alone || f.maybe_solo;
  r.vrrp = f.vrrp;
  r.keepalived_alive = f.keepalived_alive;
  r.holds_address = f.holds_address;
  r.claim = s.claim;
  // What a standstill has made doubtful is not said: the peer would act by it at once.
  const bool knows = knows_its_broker(s);
  const bool sees = f.broker_connected || sees_every_process(s);
  r.released = s.phase == Phase::released && knows && sees;
  r.in_sync_lease_ms = settings.in_sync_lease_ms;
  if (knows && s.inquiry.purpose == Purpose::cold_start) r.ask = {AskKind::promote, s.inquiry.id};
  if (knows && s.inquiry.purpose == Purpose::solo) r.ask = {AskKind::solo, s.inquiry.id};
  r.answer = s.answer;
  return r;
}

}  // namespace tandemq::failover
