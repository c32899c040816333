// Counters over all reigns of a process: each reign has an engine of its own that begins at zero.
#pragma once

#include "broker/core/engine.h"

namespace tandemq::broker {

inline core::EngineCounters total(const core::EngineCounters& a, const core::EngineCounters& b) {
  core::EngineCounters sum = a;
  for (int qos = 0; qos < 3; ++qos) {
    sum.received[qos] += b.received[qos];
    sum.delivered[qos] += b.delivered[qos];
  }
  sum.dropped_queue_full += b.dropped_queue_full;
  sum.dropped_expired += b.dropped_expired;
  sum.dropped_too_large += b.dropped_too_large;
  sum.dropped_revoked += b.dropped_revoked;
  sum.dropped_retained_full += b.dropped_retained_full;
  sum.refused_not_authorized += b.refused_not_authorized;
  sum.wills_published += b.wills_published;
  sum.sessions_expired += b.sessions_expired;
  sum.protocol_errors += b.protocol_errors;
  return sum;
}

}  // namespace tandemq::broker
