#include <algorithm>

#include "broker/core/all_grants.h"
#include "broker/core/route_plan.h"
#include "broker/mqtt/encode.h"

namespace tandemq::core {

namespace {

// The same, within one plan.
bool may_receive(const RouteRules& rules, const Session& session, std::string_view topic,
                 RoutePlan& plan) {
  const Grants* grants = grants_of(rules, session);
  if (!grants) return true;
  if (grants != plan.asked) {
    plan.asked = grants;
    plan.granted = grants->may_receive(topic);
  }
  return plan.granted;
}

Route make_route(const Subscriber& subscriber, const MessageFields& message) {
  return {&subscriber.session(), subscriber.identifier(), std::min(subscriber.qos(), message.qos),
          message.retain && subscriber.retain_as_published(), false};
}

// A further subscription of a session that gets the message already: one delivery with the highest
// QoS and all identifiers ([MQTT-3.3.4-2], [MQTT-3.3.4-4]).
void merge(RoutePlan& plan, std::uint32_t index, const Route& further) {
  Route& route = plan.routes[index];
  route.qos = std::max(route.qos, further.qos);
  route.retain = route.retain || further.retain;
  if (further.identifier == 0) return;
  if (route.identifier == 0) {
    route.identifier = further.identifier;
  } else {
    plan.identifiers.emplace_back(index, further.identifier);
    route.more_identifiers = true;
  }
}

void route_plain(const RouteRules& rules, const Session* publisher, const MessageFields& message,
                 const FilterNode& node, RoutePlan& plan) {
  for (const Subscriber& subscriber : node.plain) {
    if (&subscriber.session() == publisher && subscriber.no_local()) continue;
    if (!may_receive(rules, subscriber.session(), message.topic, plan)) continue;
    const Route route = make_route(subscriber, message);
    if (plan.tracked) {
      PlanScratch& scratch = planned_for(rules.seats.of(subscriber.session()), plan.serial);
      if (scratch.route != PlanScratch::kNoRoute) {
        merge(plan, scratch.route, route);
        continue;
      }
      scratch.route = static_cast<std::uint32_t>(plan.routes.size());
    }
    plan.routes.push_back(route);
  }
}

// The member whose turn it is of those that have room: connected ones first, else one that can keep
// the message. Where nobody has room, whose queue overflows. `fits(member)`: whether it is asked at
// all.
struct Choice {
  const Subscriber* member = nullptr;
  bool has_room = false;
};
template <class Fits>
Choice choose_member(const RouteRules& rules, const ShareGroup& group, const MessageFields& message,
                     const RoutePlan& plan, const Fits& fits) {
  const std::size_t count = group.members.size();
  std::uint32_t& turn = rules.turns.of(group);
  constexpr std::size_t kConnected = 0, kKeeper = 1, kFull = 2, kRanks = 4;
  const Subscriber* best[kRanks] = {};
  for (std::size_t i = 0; i < count && !best[kConnected]; ++i) {
    const Subscriber& member = group.members[(turn + i) % count];
    const Session& session = member.session();
    if (!fits(member) || !may_receive(rules, session, message.topic)) continue;
    Seat& seat = rules.seats.of(session);
    const bool connected = seat.attachment.conn != 0;
    const std::uint8_t qos = std::min(member.qos(), message.qos);
    if (!connected && (qos == 0 || session.expiry_s == 0)) continue;
    const bool room = qos == 0 || has_room(rules, seat, plan, Message::footprint(message));
    const std::size_t rank = (room ? 0 : kFull) + (connected ? kConnected : kKeeper);
    if (!best[rank]) best[rank] = &member;
  }
  for (std::size_t rank = 0; rank < kRanks; ++rank) {
    if (!best[rank]) continue;
    turn = static_cast<std::uint32_t>(best[rank] - group.members.begin()) + 1;
    return {best[rank], rank < kFull};
  }
  return {};
}

}  // namespace

const Grants* grants_of(const RouteRules& rules, const Session& session) {
  if (!rules.permissions) return nullptr;
  HeldGrants& held = rules.seats.of(session).held;
  if (held.revision != rules.revision) {
    GrantsRef ruled =
        rules.permissions->decide(session.listener, session.client_id, session.username);
    held.grants = both(std::move(ruled), held.own);
    held.revision = rules.revision;
  }
  return held.grants.get();
}

bool may_receive(const RouteRules& rules, const Session& session, std::string_view topic) {
  const Grants* grants = grants_of(rules, session);
  return !grants || grants->may_receive(topic);
}

void decide_routes(const RouteRules& rules, const Session* publisher, const MessageFields& message,
                   RoutePlan& plan) {
  plan.clear();
  rules.state.subscriptions.match(message.topic, plan.match);
  const auto& nodes = plan.match.nodes;
  plan.tracked = nodes.size() > 1;
  for (const FilterNode* node : nodes) plan.tracked = plan.tracked || !node->groups.empty();
  for (const FilterNode* node : nodes) {
    route_plain(rules, publisher, message, *node, plan);
    for (const ShareGroup& group : node->groups)
      if (const Subscriber* member =
              choose_member(rules, group, message, plan, [](const Subscriber&) {
                return true;
              }).member)
        plan.routes.push_back(make_route(*member, message));
  }
}

void decide_member(const RouteRules& rules, const ShareGroup& group, const Session& leaving,
                   const MessageFields& message, RoutePlan& plan) {
  plan.clear();
  plan.tracked = false;
  plan.in_totals = true;  // it only moves
  const auto other = [&](const Subscriber& one) { return &one.session() != &leaving; };
  const auto durable = [&](const Subscriber& one) {
    return other(one) && one.qos() != 0 && !is_volatile(one.session().id);
  };
  // What is in the journal stays there, if one can have it so.
  Choice choice;
  if (!is_volatile(leaving.id)) choice = choose_member(rules, group, message, plan, durable);
  if (!choice.has_room) {
    const Choice any = choose_member(rules, group, message, plan, other);
    if (any.has_room || !choice.member) choice = any;
  }
  if (choice.member) plan.routes.push_back(make_route(*choice.member, message));
}

void collect_identifiers(const RoutePlan& plan, std::size_t route,
                         std::vector<std::uint32_t>& out) {
  out.push_back(plan.routes[route].identifier);
  if (!plan.routes[route].more_identifiers) return;
  for (const auto& [index, identifier] : plan.identifiers)
    if (index == route) out.push_back(identifier);
}

bool fits_client(const Attachment& attachment, const Message& message, std::uint8_t qos,
                 std::size_t identifiers) {
  const std::size_t size_max = attachment.maximum_packet_size;
  // Everything beside topic, properties and payload takes less than this.
  const std::size_t overhead_max = 32 + 5 * identifiers;
  if (size_max == 0 || message.footprint() + overhead_max <= size_max) return true;
  mqtt::Publish packet;
  packet.topic = message.topic();
  packet.payload = message.payload();
  packet.qos = qos;
  packet.packet_id = qos == 0 ? 0 : 1;
  packet.properties.forward = message.properties();
  packet.properties.has_message_expiry = message.expires_at() != 0;
  std::size_t size = mqtt::encoded_size(mqtt::Version::v5, packet);
  // Each identifier counts as large as it can be: the message is dropped a few bytes early at most.
  return size + 5 * identifiers <= size_max;
}

}  // namespace tandemq::core
