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
  for (ShareGroup& group : node->groups)
    if (group.name == shared.group) return {node, &group};
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
  for (ShareGroup& group : node->groups)
    if (group.name == shared.group) return {node, &group};
  ShareGroup& group = node->groups.emplace_back();
  group.name = shared.group;
  group.slot = group_slots_.take();
  return {node, &group};
}

SubscriberList& Subscriptions::list_of(const Place& place) {
  return place.group ? place.group->members : place.node->plain;
}

// Looks through the shorter of the two lists that hold the subscription.
std::uint32_t Subscriptions::slot_of(const Session& session, const Place& place) {
  const auto& list = list_of(place);
  if (list.size() < session.subscriptions.size()) {
    for (const Subscriber& subscriber : list)
      if (subscriber.session_ == &session) return subscriber.slot_;
    return kNoSlot;
  }
  for (std::size_t slot = 0; slot < session.subscriptions.size(); ++slot) {
    const SessionSubscription& own = session.subscriptions[slot];
    if (own.node_ == place.node && own.group_ == place.group)
      return static_cast<std::uint32_t>(slot);
  }
  return kNoSlot;
}

const SessionSubscription* Subscriptions::of(const Session& session,
                                             std::string_view filter) const {
  const Place place = find(filter);
  const std::uint32_t slot = place.node ? slot_of(session, place) : kNoSlot;
  return slot == kNoSlot ? nullptr : &session.subscriptions[slot];
}

bool Subscriptions::add(Session& session, const SubscriptionFields& fields) {
  const Place place = find_or_make(fields.filter);
  auto& list = list_of(place);
  const std::uint32_t slot = slot_of(session, place);
  if (slot != kNoSlot) {
    SessionSubscription& own = session.subscriptions[slot];
    own.retain_handling_ = fields.retain_handling;
    own.retained_owed_ = fields.retained_owed;
    list[own.index_].bits_ = bits_of(fields);
    return false;
  }
  list.push_back(Subscriber(&session, bits_of(fields),
                            static_cast<std::uint32_t>(session.subscriptions.size())));
  session.subscriptions.push_back(SessionSubscription(
      place.node, place.group, static_cast<std::uint32_t>(list.size() - 1), fields));
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
  auto& list = list_of({gone.node_, gone.group_});
  if (gone.index_ + 1 != list.size()) {
    list[gone.index_] = list.back();
    const Subscriber& moved = list[gone.index_];
    moved.session_->subscriptions[moved.slot_].index_ = gone.index_;
  }
  list.pop_back();
  if (slot + 1 != session.subscriptions.size()) {
    session.subscriptions[slot] = session.subscriptions.back();
    const SessionSubscription& moved = session.subscriptions[slot];
    list_of({moved.node_, moved.group_})[moved.index_].slot_ = slot;
  }
  session.subscriptions.pop_back();
  --size_;
  drop_if_empty(gone.node_, gone.group_);
}

void Subscriptions::drop_if_empty(FilterNode* node, ShareGroup* group) {
  if (group && group->members.empty()) {
    group_slots_.give_back(group->slot);
    node->groups.remove_if([group](const ShareGroup& held) { return &held == group; });
  }
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
      list_of({subscription.node_, subscription.group_})[subscription.index_];
  SubscriptionFields fields;
  fields.filter = subscription.node_->filter();
  if (subscription.group_) {
    text = "$share/" + subscription.group_->name + "/";
    text += subscription.node_->filter();
    fields.filter = text;
  }
  fields.qos = subscriber.qos();
  fields.no_local = subscriber.no_local();
  fields.retain_as_published = subscriber.retain_as_published();
  fields.retain_handling = subscription.retain_handling_;
  fields.identifier = subscriber.identifier();
  fields.retained_owed = subscription.retained_owed_;
  return fields;
}

}  // namespace tandemq::core
