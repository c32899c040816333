// Where a delivery finds its place: in flight, in the session's queue, or nowhere.
#include <algorithm>

#include "broker/core/route_plan.h"

namespace tandemq::core {

namespace {

// Deliveries of the session that leave its queue first.
struct Leaving {
  std::uint64_t messages = 0, bytes = 0;
};

// With `planned` deliveries as large before it. What is planned for others counts in the totals.
Placement room_for(const RouteRules& rules, Seat& seat, const RoutePlan& plan,
                   std::uint32_t planned, std::size_t footprint, const Leaving& leaving) {
  const Limits& limits = rules.limits;
  const Session& session = *seat.session;
  const std::uint64_t messages = session.queue.queued() - leaving.messages + planned;
  const std::uint64_t bytes =
      session.queued_bytes - leaving.bytes + (planned + std::uint64_t{1}) * footprint;
  const auto within = [&](const QueueRoom& more) {
    return messages < limits.queued_messages_max + more.messages &&
           bytes <= limits.queued_bytes_max + more.bytes;
  };
  if (!within({})) {
    if (planned == 0) seat.end_room();
    if (!within(seat.room)) return Placement::queue_full;
  }
  if (plan.in_totals) return Placement::queued;
  const std::uint64_t messages_max = limits.queued_messages_total_max;
  const std::uint64_t bytes_max = limits.queued_bytes_total_max;
  const bool many =
      messages_max != 0 && rules.state.queued - leaving.messages + plan.placed >= messages_max;
  const bool large =
      bytes_max != 0 &&
      rules.state.queued_bytes - leaving.bytes + plan.placed_bytes + footprint > bytes_max;
  return many || large ? Placement::queues_full : Placement::queued;
}

// Goes at once, behind so many that are planned.
bool flows(const Seat& seat, std::size_t in_flight, std::size_t queued) {
  const DeliveryQueue& queue = seat.session->queue;
  return seat.attachment.conn != 0 && queue.queued() + queued == 0 &&
         queue.inflight() + in_flight < seat.attachment.window;
}

void place(RoutePlan& plan, std::size_t footprint) {
  ++plan.placed;
  plan.placed_bytes += footprint;
}

}  // namespace

Placement decide_target(const RouteRules& rules, Seat& seat, RoutePlan& plan, std::size_t index,
                        std::size_t footprint, Target& target) {
  const Route& route = plan.routes[index];
  const Session& session = *route.session;
  target.session = session.id;
  target.qos = route.qos;
  target.retain = route.retain;
  target.packet_id = 0;
  target.subscription_ids.clear();
  if (route.identifier != 0) collect_identifiers(plan, index, target.subscription_ids);

  PlanScratch fresh;
  fresh.next_packet_id = session.next_packet_id;
  PlanScratch& planned = plan.tracked ? planned_for(seat, plan.serial) : fresh;
  const DeliveryQueue& queue = session.queue;
  if (flows(seat, planned.in_flight, planned.queued)) {
    target.packet_id = queue.free_id(planned.next_packet_id);
    planned.next_packet_id = next_packet_id(target.packet_id);
    ++planned.in_flight;
    place(plan, footprint);
    return Placement::in_flight;
  }
  const Placement placement = room_for(rules, seat, plan, planned.queued, footprint, {});
  if (is_full(placement)) return placement;
  ++planned.queued;
  place(plan, footprint);
  return placement;
}

bool has_room(const RouteRules& rules, Seat& seat, const RoutePlan& plan, std::size_t footprint) {
  return flows(seat, 0, 0) || !is_full(room_for(rules, seat, plan, 0, footprint, {}));
}

bool decide_replaced(const RouteRules& rules, Seat& seat, RoutePlan& plan, std::size_t footprint,
                     Dropped& dropped) {
  const DeliveryQueue& queue = seat.session->queue;
  dropped.session = seat.session->id;
  dropped.sequence.clear();
  // No more goes than comes: a queue that is over its limit for another reason is no reason to
  // empty it.
  PlanScratch fresh;
  PlanScratch& planned = plan.tracked ? planned_for(seat, plan.serial) : fresh;
  Leaving leaving;
  bool makes_place = false;
  // Retained messages that a subscription is owed stay.
  const std::size_t first =
      seat.room.messages == 0
          ? queue.inflight()
          : std::max(queue.inflight(), queue.lower_bound(seat.room.last_sequence + 1));
  for (std::size_t i = first; i < queue.size() && !makes_place; ++i) {
    ++leaving.messages;
    leaving.bytes += queue[i].message->footprint();
    dropped.sequence.push_back(queue[i].sequence);
    makes_place = leaving.bytes >= footprint ||
                  !is_full(room_for(rules, seat, plan, planned.queued, footprint, leaving));
  }
  if (!makes_place) return false;
  ++planned.queued;
  place(plan, footprint);
  return true;
}

}  // namespace tandemq::core
