// What a member of a share leaves behind when its session ends (5.0 section 4.8.2).
#include <algorithm>

#include "broker/core/engine_impl.h"
#include "broker/mqtt/topic.h"

namespace tandemq::core {

namespace {

// One piece: the loop must not be held up by a long queue.
constexpr std::size_t kPieceMessages = 1000;
constexpr std::size_t kPieceBytes = 1 << 20;

bool has_partners(const SessionSubscription& one) {
  return one.group() && one.group()->members.size() > 1;
}

// The group through which the session got the message; null when it may have come another way.
const ShareGroup* group_of(const Session& session, std::string_view topic) {
  const ShareGroup* found = nullptr;
  for (const SessionSubscription& one : session.subscriptions) {
    if (!mqtt::topic_matches(one.node().filter(), topic)) continue;
    if (found || !has_partners(one)) return nullptr;
    found = one.group();
  }
  return found;
}

// Messages for other members, and the records that take them off the session.
struct Leftovers {
  struct Item {
    MessageRef message;
    const ShareGroup* group;
  };
  std::vector<Item> items[2];  // QoS 1, QoS 2
  std::vector<Acked> acked;
  Dropped dropped[2];
  bool complete = true;
};

// The oldest messages that this client has certainly not finished: QoS 1 without PUBACK, QoS 2 not
// yet begun ([MQTT-4.8.2-5]).
Leftovers collect(const Session& session, TimeMs now) {
  Leftovers found;
  found.dropped[0].session = found.dropped[1].session = session.id;
  std::size_t messages = 0, bytes = 0;
  for (std::size_t i = 0; i < session.queue.size(); ++i) {
    const Delivery& delivery = session.queue[i];
    const bool begun = delivery.stage != DeliveryStage::queued;
    if (begun && delivery.qos == 2) continue;
    if (messages == kPieceMessages || bytes > kPieceBytes) {
      found.complete = false;
      break;
    }
    ++messages;
    bytes += delivery.message->footprint();
    if (begun)
      found.acked.push_back({session.id, delivery.packet_id});
    else
      found.dropped[delivery.qos - 1].sequence.push_back(delivery.sequence);
    if (delivery.message->expired(now)) continue;
    if (const ShareGroup* group = group_of(session, delivery.message->topic()))
      found.items[delivery.qos - 1].push_back({delivery.message, group});
  }
  return found;
}

}  // namespace

// Passes a piece of them on; true when nothing is left. Should this node die in between, QoS 1
// comes twice and QoS 2 not at all.
bool Engine::Impl::pass_on_leftovers(const Session& session, TimeMs now, Effects& out) {
  const auto& subscriptions = session.subscriptions;
  if (session.queue.size() == 0 ||
      std::none_of(subscriptions.begin(), subscriptions.end(), has_partners))
    return true;
  const Leftovers found = collect(session, now);
  if (!found.dropped[1].sequence.empty()) drop(found.dropped[1], out);
  for (const auto& items : found.items) {
    for (const Leftovers::Item& one : items) {
      Publication p;
      p.fields = one.message->fields();
      decide_member(rules, *one.group, session, p.fields, plan);
      put_up(p, one.message, now, out);
    }
  }
  for (const Acked& record : found.acked) commit(session.id, record, out);
  if (!found.dropped[0].sequence.empty()) drop(found.dropped[0], out);
  return found.complete;
}

}  // namespace tandemq::core
