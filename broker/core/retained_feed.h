// The retained messages that a SUBSCRIBE still has to be sent, so that a subscription to very many
// of them is served in pieces (Engine::feed) and never stops everything else. Until they are with
// the client its subscriptions owe them (docs/decisions/retained-owed.md).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/core/origin.h"
#include "broker/core/records.h"
#include "broker/core/retained_cursor.h"

namespace tandemq::core {

// Owned by the connection that subscribed; goes with it, or with the reign. The State it was made
// from outlives it.
struct RetainedFeed {
  struct Filter {
    std::string text;
    SubscriptionFields fields;  // without the filter
  };
  Origin from;
  std::vector<Filter> filters;
  std::size_t at = 0;  // of the filter that is being served
  std::unique_ptr<RetainedCursor> cursor;
  // A SUBACK that waits for the end: it promises a session that outlives this node that all its
  // deliveries above QoS 0 are durable.
  bool suback_due = false;
  std::uint16_t packet_id = 0;
  std::vector<mqtt::Reason> codes;
};

}  // namespace tandemq::core
