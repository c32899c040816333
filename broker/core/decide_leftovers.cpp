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

// Messages for other members, oldest first, and the records that take the rest off the session.
struct Leftovers {
  struct Item {
    MessageRef message;
    const ShareGroup* group;
    std::uint64_t sequence;  // it waits under this number and goes with the record, 0: in flight
  };
  std::vector<Item> items;
  std::vector<Acked> acked;
  Dropped dropped;
  bool complete = true;
};

// The oldest messages that this client has certainly not finished: QoS 1 without PUBACK, QoS 2 not
// yet begun ([MQTT-4.8.2-5]).
Leftovers collect(const Session& session, TimeMs now) {
  Leftovers found;
  found.dropped.session = session.id;
  // Nothing of a volatile session outlives this process: its messages need no record to go with.
  const bool by_record = !is_volatile(session.id);
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
    const bool expired = delivery.message->expired(now);
    const ShareGroup* group = expired ? nullptr : group_of(session, delivery.message->topic());
    const bool moves = group && by_record && !begun;
    if (begun)
      found.acked.push_back({session.id, delivery.packet_id});
    else if (!moves)
      found.dropped.sequence.push_back(delivery.sequence);
    if (group) found.items.push_back({delivery.message, group, moves ? delivery.sequence : 0});
  }
  return found;
}

}  // namespace

// Passes a piece of them on; true when nothing is left. What waits goes to the next member by the
// one record that takes it off this session: a node that dies in between loses nothing and repeats
// nothing. What is in flight with QoS 1 may come twice.
bool Engine::Impl::pass_on_leftovers(const Session& session, TimeMs now, Effects& out) {
  const auto& subscriptions = session.subscriptions;
  if (session.queue.size() == 0 ||
      std::none_of(subscriptions.begin(), subscriptions.end(), has_partners))
    return true;
  const Leftovers found = collect(session, now);
  for (const Leftovers::Item& one : found.items) {
    Publication p;
    p.fields = one.message->fields();
    if (one.sequence != 0) p.moved_from = session.id, p.moved_sequence = one.sequence;
    decide_member(rules, *one.group, session, p.fields, plan);
    put_up(p, one.message, now, out);
  }
  for (const Acked& record : found.acked) commit(session.id, record, out);
  if (!found.dropped.sequence.empty()) drop(found.dropped, out);
  return found.complete;
}

}  // namespace tandemq::core
