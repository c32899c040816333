// The filters with wildcards of Subscriptions: one node per level, `+` and `#` by pointer, all
// other levels through one table keyed by parent and level.
#include "broker/core/subscriptions.h"
#include "broker/core/text_hash.h"
#include "broker/core/topic_levels.h"

namespace tandemq::core {

struct LevelNode {
  LevelNode* parent = nullptr;
  std::uint64_t hash = 0;  // of the edge from the parent
  std::string level;
  LevelNode* plus = nullptr;    // the level `+`; owned
  FilterNode* multi = nullptr;  // the filter that ends with `#` after this level
  FilterNode* here = nullptr;   // the filter that ends with this level
  std::uint32_t children = 0;   // `+` included

  bool empty() const { return children == 0 && !multi && !here; }
};

namespace {

std::uint64_t edge_hash(const LevelNode& parent, std::uint64_t level_hash) {
  return mix64(reinterpret_cast<std::uintptr_t>(&parent) ^ 0x9e3779b97f4a7c15u, level_hash);
}

}  // namespace

Subscriptions::Subscriptions(std::uint64_t seed)
    : seed_(seed), root_(std::make_unique<LevelNode>()) {}

Subscriptions::~Subscriptions() {
  filters_.each([](FilterNode& node) { FilterNode::destroy(&node); });
  edges_.each([](LevelNode& node) {
    for (LevelNode* plus = node.plus; plus;) {
      LevelNode* next = plus->plus;
      delete plus;
      plus = next;
    }
    delete &node;
  });
  for (LevelNode* plus = root_->plus; plus;) {
    LevelNode* next = plus->plus;
    delete plus;
    plus = next;
  }
}

LevelNode* Subscriptions::child(const LevelNode& parent, std::string_view level,
                                std::uint64_t hash) const {
  return edges_.find(edge_hash(parent, hash), [&](const LevelNode& node) {
    return node.parent == &parent && node.level == level;
  });
}

void Subscriptions::hang(FilterNode& node) {
  LevelNode* at = root_.get();
  std::string_view rest = node.filter();
  for (bool more = true; more;) {
    const std::string_view level = take_level(rest, more);
    if (level == "#") {
      at->multi = &node;
      node.level = at;
      return;
    }
    const std::uint64_t hash = hash_text(level, seed_);
    LevelNode* next = level == "+" ? at->plus : child(*at, level, hash);
    if (!next) {
      next = new LevelNode;
      next->parent = at;
      next->level = level;
      ++at->children;
      if (level == "+") {
        at->plus = next;
      } else {
        next->hash = edge_hash(*at, hash);
        edges_.insert(next->hash, next);
      }
    }
    at = next;
  }
  at->here = &node;
  node.level = at;
}

void Subscriptions::unhang(FilterNode& node) {
  LevelNode* at = node.level;
  if (at->multi == &node)
    at->multi = nullptr;
  else
    at->here = nullptr;
  while (at->parent && at->empty()) {
    LevelNode* parent = at->parent;
    if (parent->plus == at)
      parent->plus = nullptr;
    else
      edges_.erase(at->hash, at);
    --parent->children;
    delete at;
    at = parent;
  }
}

void Subscriptions::match(std::string_view topic, MatchScratch& scratch) const {
  scratch.nodes.clear();
  if (exact_ != 0) {
    const FilterNode* exact = filters_.find(
        hash_text(topic, seed_), [&](const FilterNode& node) { return node.filter() == topic; });
    if (exact) scratch.nodes.push_back(exact);
  }
  if (root_->empty()) return;
  scratch.levels.clear();
  std::string_view rest = topic;
  for (bool more = true; more;) {
    const std::string_view level = take_level(rest, more);
    scratch.levels.push_back({level, hash_text(level, seed_)});
  }
  descend(*root_, 0, topic.starts_with('$'), scratch);
}

// `dollar`: wildcards at the first level do not match names that begin with $ ([MQTT-4.7.2-1]).
void Subscriptions::descend(const LevelNode& node, std::size_t depth, bool dollar,
                            MatchScratch& scratch) const {
  const bool wildcards = !(dollar && depth == 0);
  if (node.multi && wildcards) scratch.nodes.push_back(node.multi);
  if (depth == scratch.levels.size()) {
    if (node.here) scratch.nodes.push_back(node.here);
    return;
  }
  if (node.plus && wildcards) descend(*node.plus, depth + 1, dollar, scratch);
  if (node.children == (node.plus ? 1u : 0u)) return;
  const MatchScratch::Level& level = scratch.levels[depth];
  if (const LevelNode* next = child(node, level.text, level.hash))
    descend(*next, depth + 1, dollar, scratch);
}

}  // namespace tandemq::core
