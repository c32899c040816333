#include "broker/core/retained_cursor.h"

#include <algorithm>
#include <utility>

#include "broker/core/retained_node.h"
#include "broker/core/topic_levels.h"

namespace tandemq::core {

// The node of the topic goes with its message unless something is below it, and so does each
// ancestor that has nothing else.
void RetainedCursors::topic_goes(const Retained& retained, std::string_view topic) {
  if (cursors_.empty()) return;
  const RetainedNode* node = retained.node_at(topic);
  if (!node || node->first) return;
  do {
    for (RetainedCursor* cursor : cursors_)
      if (cursor->node_ == node) cursor->leave();
    const bool only = !node->previous && !node->next;
    node = node->parent;
    if (!only) return;
  } while (node && !node->message);
}

RetainedCursor::RetainedCursor(const Retained& retained, std::string_view filter,
                               std::shared_ptr<RetainedCursors> all)
    : retained_(retained), all_(std::move(all)), filter_(filter), newest_(retained.stores_) {
  std::string_view rest = filter_;
  for (bool more = true; more;) levels_.push_back(take_level(rest, more));
  multi_level_ = levels_.back() == "#";
  if (multi_level_) levels_.pop_back();
  all_->cursors_.push_back(this);
  descend(nullptr, 0);
}

RetainedCursor::~RetainedCursor() {
  auto& all = all_->cursors_;
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
    const RetainedNode* const here = node_;
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
