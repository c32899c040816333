#include "broker/core/subscriptions.h"

#include <cstring>
#include <new>

#include "broker/core/text_hash.h"
#include "broker/mqtt/topic.h"

namespace tandemq::core {

namespace {

std::uint32_t bits_of(const SubscriptionFields& fields) {
  return fields.identifier << 4 | fields.qos | (fields.no_local ? 4u : 0u) |
         (fields.retain_as_published ? 8u : 0u);
}

}  // namespace

FilterNode* FilterNode::create(std::string_view filter, std::uint64_t hash) {
  auto* node = new (::operator new(sizeof(FilterNode) + filter.size())) FilterNode;
  node->hash = hash;
  node->filter_size = static_cast<std::uint16_t>(filter.size());
  if (!filter.empty()) std::memcpy(reinterpret_cast<char*>(node + 1), filter.data(), filter.size());
  return node;
}

void FilterNode::destroy(FilterNode* node) {
  node->~FilterNode();
  ::operator delete(node);
}

Subscriptions::Place Subscriptions::find(std::string_view filter) const {
  const mqtt::SharedFilter shared = mqtt::split_shared(filter);
  FilterNode* node = filters_.find(hash_text(shared.filter, seed_), [&](const FilterNode& n) {
    return n.filter() == shared.filter;
  });
  if (!node || shared.group.empty()) return {node, nullptr};
  for (const auto& group : node->groups)
    if (group->name == shared.group) return {node, group.get()};
  return {};
}

Subscriptions::Place Subscriptions::find_or_make(std::string_view filter) {
  const mqtt::SharedFilter shared = mqtt::split_shared(filter);
  const std::uint64_t hash = hash_text(shared.filter, seed_);
  FilterNode* node =
      filters_.find(hash, [&](const FilterNode& n) { return n.filter() == shared.filter; });
  if (!node) {
    node = FilterNode::create(shared.filter, hash);
    filters_.insert(hash, node);
    if (mqtt::has_wildcard(shared.filter))
      hang(*node);
    else
      ++exact_;
  }
  if (shared.group.empty()) return {node, nullptr};
  for (const auto& group : node->groups)
    if (group->name == shared.group) return {node, group.get()};
  node->groups.push_back(std::make_unique<ShareGroup>());
  node->groups.back()->name = shared.group;
  return {node, node->groups.back().get()};
}

SubscriberList& Subscriptions::list_of(const Place& place) {
  return place.group ? place.group->members : place.node->plain;
}

// Looks through the shorter of the two lists that hold the subscription.
std::uint32_t Subscriptions::slot_of(const Session& session, const Place& place) {
  const auto& list = list_of(place);
  if (list.size() < session.subscriptions.size()) {
    for (const Subscriber& subscriber : list)
      if (subscriber.session == &session) return subscriber.slot;
    return kNoSlot;
  }
  for (std::size_t slot = 0; slot < session.subscriptions.size(); ++slot) {
    const SessionSubscription& own = session.subscriptions[slot];
    if (own.node == place.node && own.group == place.group) return static_cast<std::uint32_t>(slot);
  }
  return kNoSlot;
}

bool Subscriptions::contains(const Session& session, std::string_view filter) const {
  const Place place = find(filter);
  return place.node && slot_of(session, place) != kNoSlot;
}

bool Subscriptions::add(Session& session, const SubscriptionFields& fields) {
  const Place place = find_or_make(fields.filter);
  auto& list = list_of(place);
  const std::uint32_t slot = slot_of(session, place);
  if (slot != kNoSlot) {
    SessionSubscription& own = session.subscriptions[slot];
    own.retain_handling = fields.retain_handling;
    list[own.index].bits = bits_of(fields);
    return false;
  }
  list.push_back(
      {&session, bits_of(fields), static_cast<std::uint32_t>(session.subscriptions.size())});
  session.subscriptions.push_back({place.node, place.group,
                                   static_cast<std::uint32_t>(list.size() - 1),
                                   fields.retain_handling});
  ++size_;
  return true;
}

bool Subscriptions::remove(Session& session, std::string_view filter) {
  const Place place = find(filter);
  const std::uint32_t slot = place.node ? slot_of(session, place) : kNoSlot;
  if (slot == kNoSlot) return false;
  remove_slot(session, slot);
  return true;
}

void Subscriptions::remove_all(Session& session) {
  while (!session.subscriptions.empty())
    remove_slot(session, static_cast<std::uint32_t>(session.subscriptions.size() - 1));
  session.subscriptions.shrink_to_fit();
}

// In both lists the last entry takes the place of the removed one.
void Subscriptions::remove_slot(Session& session, std::uint32_t slot) {
  const SessionSubscription gone = session.subscriptions[slot];
  auto& list = list_of({gone.node, gone.group});
  if (gone.index + 1 != list.size()) {
    list[gone.index] = list.back();
    const Subscriber& moved = list[gone.index];
    moved.session->subscriptions[moved.slot].index = gone.index;
  }
  list.pop_back();
  if (slot + 1 != session.subscriptions.size()) {
    session.subscriptions[slot] = session.subscriptions.back();
    const SessionSubscription& moved = session.subscriptions[slot];
    list_of({moved.node, moved.group})[moved.index].slot = slot;
  }
  session.subscriptions.pop_back();
  --size_;
  drop_if_empty(gone.node, gone.group);
}

void Subscriptions::drop_if_empty(FilterNode* node, ShareGroup* group) {
  if (group && group->members.empty())
    std::erase_if(node->groups, [group](const auto& held) { return held.get() == group; });
  if (!node->plain.empty() || !node->groups.empty()) return;
  if (node->level)
    unhang(*node);
  else
    --exact_;
  filters_.erase(node->hash, node);
  FilterNode::destroy(node);
}

SubscriptionFields Subscriptions::fields_of(const SessionSubscription& subscription,
                                            std::string& text) {
  const Subscriber& subscriber =
      list_of({subscription.node, subscription.group})[subscription.index];
  SubscriptionFields fields;
  fields.filter = subscription.node->filter();
  if (subscription.group) {
    text = "$share/" + subscription.group->name + "/";
    text += subscription.node->filter();
    fields.filter = text;
  }
  fields.qos = subscriber.qos();
  fields.no_local = subscriber.no_local();
  fields.retain_as_published = subscriber.retain_as_published();
  fields.retain_handling = subscription.retain_handling;
  fields.identifier = subscriber.identifier();
  return fields;
}

}  // namespace tandemq::core
