// Who gets a message: the part of decide that a PUBLISH, a will and the broker's own messages
// share.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "broker/core/grants.h"
#include "broker/core/limits.h"
#include "broker/core/message.h"
#include "broker/core/records.h"
#include "broker/core/seats.h"
#include "broker/core/share_turns.h"
#include "broker/core/state_impl.h"

namespace tandemq::core {

struct Route {
  const Session* session = nullptr;
  std::uint32_t identifier = 0;  // the first subscription identifier; 0: none
  std::uint8_t qos = 0;
  bool retain = false;
  bool more_identifiers = false;  // in RoutePlan::identifiers
};

// Reused from message to message.
struct RoutePlan {
  MatchScratch match;
  std::vector<Route> routes;
  // Identifiers beyond a route's first: index of the route, identifier.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> identifiers;
  std::uint64_t serial = 0;
  const Grants* asked = nullptr;  // last, about this message; receivers of one user share them
  bool granted = false;
  bool tracked = false;  // sessions may be named more than once: PlanScratch is in use
  // Deliveries that are planned, and their footprint, beside what all queues hold.
  std::uint64_t placed = 0, placed_bytes = 0;
  bool in_totals = false;  // it counts there already, or is owed: no limit of all queues holds

  void clear() {
    routes.clear();
    identifiers.clear();
    asked = nullptr;
    in_totals = false;
    done();
  }
  // What was planned for the sessions is theirs.
  void done() {
    ++serial;
    placed = placed_bytes = 0;
  }
};

// What decides where a message goes, beside the message.
struct RouteRules {
  const State::Impl& state;
  Seats& seats;
  ShareTurns& turns;
  const Limits& limits;
  const Permissions* permissions;  // null: all allowed
  std::uint32_t revision;          // of the permissions
};

// What the session may do by the rules of now; null: everything. Valid until they change or the
// session is connected anew.
const Grants* grants_of(const RouteRules& rules, const Session& session);
bool may_receive(const RouteRules& rules, const Session& session, std::string_view topic);

// Fills `plan` with the receivers of a message; `publisher` may be null.
void decide_routes(const RouteRules& rules, const Session* publisher, const MessageFields& message,
                   RoutePlan& plan);

// Fills `plan` with the member of the group whose turn it is, any but `leaving`.
void decide_member(const RouteRules& rules, const ShareGroup& group, const Session& leaving,
                   const MessageFields& message, RoutePlan& plan);

// `queue_full`: of this session; `queues_full`: of all together.
enum class Placement : std::uint8_t { in_flight, queued, queue_full, queues_full };
constexpr bool is_full(Placement placement) {
  return placement >= Placement::queue_full;
}

// The delivery of `route`, QoS above 0: in flight, with an identifier, when the window allows it.
Placement decide_target(const RouteRules& rules, Seat& seat, RoutePlan& plan, std::size_t route,
                        std::size_t footprint, Target& target);

// Whether a delivery, QoS above 0, of a message this large would find its place.
bool has_room(const RouteRules& rules, Seat& seat, const RoutePlan& plan, std::size_t footprint);

// For one that found no place: names in `dropped` the oldest that wait in this session's queue, as
// few as make place for it, or as hold as much as it does. False when they cannot, else it is
// planned: `dropped` must leave the queue before.
bool decide_replaced(const RouteRules& rules, Seat& seat, RoutePlan& plan, std::size_t footprint,
                     Dropped& dropped);

// All subscription identifiers of a route.
void collect_identifiers(const RoutePlan& plan, std::size_t route, std::vector<std::uint32_t>& out);

// Whether a message may be sent to this client at all (its maximum packet size).
bool fits_client(const Attachment& attachment, const Message& message, std::uint8_t qos,
                 std::size_t identifiers);

}  // namespace tandemq::core
