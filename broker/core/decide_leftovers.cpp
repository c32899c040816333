// What a member of a share leaves behind when its session ends (5.0 section 4.8.2).
#include <algorithm>

#include "broker/core/engine_impl.h"
#include "broker/mqtt/topic.h"

namespace tandemq::core {

namespace {

bool has_partners(const SessionSubscription& one) {
  return one.group && one.group->members.size() > 1;
}

// The group through which the session got the message; null when it may have come another way.
const ShareGroup* group_of(const Session& session, std::string_view topic) {
  const ShareGroup* found = nullptr;
  for (const SessionSubscription& one : session.subscriptions) {
    if (!mqtt::topic_matches(one.node->filter(), topic)) continue;
    if (found || !has_partners(one)) return nullptr;
    found = one.group;
  }
  return found;
}

}  // namespace

// Messages of shares with other members that this client has certainly not finished: QoS 1 without
// PUBACK, QoS 2 not yet begun ([MQTT-4.8.2-5]).
void Engine::Impl::collect_leftovers(const Session& session, TimeMs now) {
  const auto& subscriptions = session.subscriptions;
  if (session.queue.size() == 0 ||
      std::none_of(subscriptions.begin(), subscriptions.end(), has_partners))
    return;
  for (std::size_t i = 0; i < session.queue.size(); ++i) {
    const Delivery& delivery = session.queue[i];
    const bool begun = delivery.stage != DeliveryStage::queued;
    if ((delivery.qos == 2 && begun) || delivery.message->expired(now)) continue;
    if (const ShareGroup* group = group_of(session, delivery.message->topic()))
      leftovers.push_back({delivery.message, group, delivery.qos});
  }
}

// Those of one QoS go to other members than `leaving` (null: it has gone).
void Engine::Impl::pass_on(std::uint8_t qos, const Session* leaving, TimeMs now, Effects& out) {
  for (const Leftover& one : leftovers) {
    if (one.qos != qos) continue;
    Publication p;
    p.fields = one.message->fields();
    decide_member(rules(), *one.group, leaving, p.fields, plan);
    put_up(p, one.message, now, out);
  }
}

}  // namespace tandemq::core
