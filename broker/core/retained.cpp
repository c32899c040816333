#include "broker/core/retained.h"

#include <algorithm>
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
  std::uint64_t stored = 0;  // number of the message
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
    for (RetainedCursor* cursor : cursors_)
      if (cursor->node_ == node) cursor->leave();
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

RetainedCursor::RetainedCursor(Retained& retained, std::string_view filter)
    : retained_(retained), filter_(filter), newest_(retained.stores_) {
  std::string_view rest = filter_;
  for (bool more = true; more;) levels_.push_back(take_level(rest, more));
  multi_level_ = levels_.back() == "#";
  if (multi_level_) levels_.pop_back();
  retained_.cursors_.push_back(this);
  descend(nullptr, 0);
}

RetainedCursor::~RetainedCursor() {
  auto& all = retained_.cursors_;
  all.erase(std::find(all.begin(), all.end(), this));
}

bool RetainedCursor::many(std::size_t depth) const {
  return depth >= levels_.size() || levels_[depth] == "+";
}

// "a/#" matches "a", too.
bool RetainedCursor::matches() const {
  return multi_level_ ? depth_ + 1 >= levels_.size() : depth_ + 1 == levels_.size();
}

// A wildcard at the first level does not match what begins with $ [MQTT-4.7.2-1].
bool RetainedCursor::hidden() const {
  return depth_ == 0 && many(0) && node_->level().starts_with('$');
}

// To the first node below `parent` that may match; node_ is null when there is none.
void RetainedCursor::descend(const RetainedNode* parent, std::size_t depth) {
  depth_ = depth;
  if (depth >= levels_.size() && !multi_level_) {
    node_ = nullptr;
  } else if (many(depth)) {
    node_ = parent ? parent->first : retained_.first_;
  } else {
    node_ = retained_.child(parent, levels_[depth]);
  }
}

// On from node_ without looking below it.
void RetainedCursor::leave() {
  while (node_) {
    if (many(depth_) && node_->next) {
      node_ = node_->next;
      return;
    }
    node_ = node_->parent;
    --depth_;
  }
}

const Message* RetainedCursor::next(std::size_t& budget) {
  for (; node_ && budget > 0; --budget) {
    RetainedNode* const here = node_;
    const std::size_t depth = depth_;
    const bool shown = !hidden();
    const bool match = shown && matches() && here->message && here->stored <= newest_;
    if (shown) descend(here, depth + 1);
    if (!shown || !node_) {
      node_ = here;
      depth_ = depth;
      leave();
    }
    if (match) {
      --budget;
      return here->message.get();
    }
  }
  return nullptr;
}

}  // namespace tandemq::core
