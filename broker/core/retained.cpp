#include "broker/core/retained.h"

#include "broker/core/retained_node.h"
#include "broker/core/text_hash.h"
#include "broker/core/topic_levels.h"

namespace tandemq::core {

namespace {

std::uint64_t edge_hash(const RetainedNode* parent, std::string_view level, std::uint64_t seed) {
  return mix64(reinterpret_cast<std::uintptr_t>(parent) ^ 0x9e3779b97f4a7c15u,
               hash_text(level, seed));
}

}  // namespace

Retained::~Retained() {
  edges_.each([](RetainedNode& node) { RetainedNode::destroy(&node); });
}

RetainedNode* Retained::child(const RetainedNode* parent, std::string_view level) const {
  return edges_.find(edge_hash(parent, level, seed_), [&](const RetainedNode& node) {
    return node.parent == parent && node.level() == level;
  });
}

RetainedNode* Retained::add_child(RetainedNode* parent, std::string_view level) {
  RetainedNode* node = RetainedNode::create(level);
  RetainedNode*& first = parent ? parent->first : first_;
  RetainedNode*& last = parent ? parent->last : last_;
  node->parent = parent;
  node->previous = last;
  (last ? last->next : first) = node;
  last = node;
  node->hash = edge_hash(parent, level, seed_);
  edges_.insert(node->hash, node);
  return node;
}

RetainedNode* Retained::node_at(std::string_view topic) const {
  RetainedNode* node = nullptr;
  for (bool more = true; more;) {
    node = child(node, take_level(topic, more));
    if (!node) return nullptr;
  }
  return node;
}

const Message* Retained::find(std::string_view topic) const {
  const RetainedNode* node = node_at(topic);
  return node ? node->message.get() : nullptr;
}

void Retained::store(const MessageRef& message) {
  RetainedNode* node = nullptr;
  std::string_view rest = message->topic();
  for (bool more = true; more;) {
    const std::string_view level = take_level(rest, more);
    RetainedNode* next = child(node, level);
    node = next ? next : add_child(node, level);
  }
  if (node->message) forget(*node->message);
  node->message = message;
  node->stored = ++stores_;
  ++size_;
  bytes_ += message->footprint();
  if (message->expires_at() != 0) expiries_.emplace(message->expires_at(), message->topic());
}

// The counts without `message`, before its reference goes.
void Retained::forget(const Message& message) {
  --size_;
  bytes_ -= message.footprint();
  if (message.expires_at() != 0) expiries_.erase({message.expires_at(), message.topic()});
}

bool Retained::clear(std::string_view topic) {
  RetainedNode* node = node_at(topic);
  if (!node || !node->message) return false;
  forget(*node->message);
  node->message = {};
  prune(node);
  return true;
}

// Removes the node and its ancestors as far as nothing needs them.
void Retained::prune(RetainedNode* node) {
  while (node && !node->message && !node->first) {
    RetainedNode* parent = node->parent;
    (node->previous ? node->previous->next : parent ? parent->first : first_) = node->next;
    (node->next ? node->next->previous : parent ? parent->last : last_) = node->previous;
    edges_.erase(node->hash, node);
    RetainedNode::destroy(node);
    node = parent;
  }
}

void Retained::all(std::vector<const Message*>& out) const {
  edges_.each([&out](RetainedNode& node) {
    if (node.message) out.push_back(node.message.get());
  });
}

std::pair<TimeMs, std::string_view> Retained::next_expiry() const {
  if (expiries_.empty()) return {0, {}};
  return *expiries_.begin();
}

}  // namespace tandemq::core
