#include "broker/core/retained.h"

#include <cstring>
#include <new>

#include "broker/core/text_hash.h"
#include "broker/core/topic_levels.h"

namespace tandemq::core {

// The text of the level follows the node in the same allocation.
struct RetainedNode {
  RetainedNode* parent = nullptr;  // null: first level
  RetainedNode* first = nullptr;   // children
  RetainedNode* last = nullptr;
  RetainedNode* previous = nullptr;  // siblings
  RetainedNode* next = nullptr;
  std::uint64_t hash = 0;
  MessageRef message;
  std::uint32_t level_size = 0;

  std::string_view level() const { return {reinterpret_cast<const char*>(this + 1), level_size}; }

  static RetainedNode* create(std::string_view level) {
    auto* node = new (::operator new(sizeof(RetainedNode) + level.size())) RetainedNode;
    node->level_size = static_cast<std::uint32_t>(level.size());
    if (!level.empty()) std::memcpy(reinterpret_cast<char*>(node + 1), level.data(), level.size());
    return node;
  }
  static void destroy(RetainedNode* node) {
    node->~RetainedNode();
    ::operator delete(node);
  }
};

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

void Retained::match(std::string_view filter, std::vector<const Message*>& out) const {
  collect(nullptr, filter, true, true, out);
}

// Messages below `parent` that match what is left of the filter.
void Retained::collect(const RetainedNode* parent, std::string_view rest, bool more, bool at_root,
                       std::vector<const Message*>& out) const {
  if (!more) {
    if (parent->message) out.push_back(parent->message.get());
    return;
  }
  const std::string_view level = take_level(rest, more);
  if (level == "#") {
    if (parent && parent->message) out.push_back(parent->message.get());
    collect_all(parent ? parent->first : first_, at_root, out);
  } else if (level == "+") {
    for (const RetainedNode* node = parent ? parent->first : first_; node; node = node->next)
      if (!at_root || !node->level().starts_with('$')) collect(node, rest, more, false, out);
  } else if (const RetainedNode* node = child(parent, level)) {
    collect(node, rest, more, false, out);
  }
}

// Without recursion: published topics may have any number of levels.
void Retained::collect_all(const RetainedNode* first, bool at_root,
                           std::vector<const Message*>& out) {
  const RetainedNode* const top = first ? first->parent : nullptr;
  for (const RetainedNode* node = first; node;) {
    const bool hidden = at_root && node->parent == top && node->level().starts_with('$');
    if (!hidden && node->message) out.push_back(node->message.get());
    if (!hidden && node->first) {
      node = node->first;
      continue;
    }
    while (!node->next && node->parent != top) node = node->parent;
    node = node->next;
  }
}

void Retained::all(std::vector<const Message*>& out) const {
  collect_all(first_, false, out);
}

std::pair<TimeMs, std::string_view> Retained::next_expiry() const {
  if (expiries_.empty()) return {0, {}};
  return *expiries_.begin();
}

}  // namespace tandemq::core
