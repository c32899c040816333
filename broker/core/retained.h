// Retained messages: a trie by topic level, so that a new subscription finds its messages without
// looking at the others. About 110 bytes a message beside the message itself.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/ids.h"
#include "broker/core/flat_table.h"
#include "broker/core/message.h"

namespace tandemq::core {

struct RetainedNode;
class RetainedCursor;

class Retained {
 public:
  explicit Retained(std::uint64_t seed) : seed_(seed) {}
  ~Retained();
  Retained(const Retained&) = delete;
  Retained& operator=(const Retained&) = delete;

  // Keeps `message` for its topic in place of an earlier one.
  void store(const MessageRef& message);
  // False when nothing was kept for the topic.
  bool clear(std::string_view topic);
  // The message kept for `topic`, or null.
  const Message* find(std::string_view topic) const;

  // Appends all, in no particular order.
  void all(std::vector<const Message*>& out) const;

  // Time and topic of the message that expires first; time 0: none does.
  std::pair<TimeMs, std::string_view> next_expiry() const;

  std::size_t size() const { return size_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  RetainedNode* node_at(std::string_view topic) const;
  RetainedNode* child(const RetainedNode* parent, std::string_view level) const;
  RetainedNode* add_child(RetainedNode* parent, std::string_view level);
  void forget(const Message& message);
  void prune(RetainedNode* node);

  friend class RetainedCursor;

  std::uint64_t seed_;
  std::uint64_t stores_ = 0;  // calls of store(); numbers the messages
  std::size_t size_ = 0;
  std::uint64_t bytes_ = 0;
  FlatTable<RetainedNode> edges_;  // all nodes, by parent and level; owned
  RetainedNode* first_ = nullptr;  // of the first level
  RetainedNode* last_ = nullptr;
  // Those that expire; the topic is the message's own.
  std::set<std::pair<TimeMs, std::string_view>> expiries_;
  std::vector<RetainedCursor*> cursors_;  // of now; a node that goes moves them on
};

// Walks over the messages whose topics match a filter, in pieces: the retained messages may change
// between two calls of next(). Messages stored after the cursor was made are not shown.
class RetainedCursor {
 public:
  // `retained` outlives the cursor. `filter` is valid and without share prefix.
  RetainedCursor(Retained& retained, std::string_view filter);
  ~RetainedCursor();
  RetainedCursor(const RetainedCursor&) = delete;
  RetainedCursor& operator=(const RetainedCursor&) = delete;

  // The next match, in the order in which levels were first seen, valid until the next change of
  // the retained messages. Each topic level looked at takes one off `budget`; null when that is
  // used up, or at the end.
  const Message* next(std::size_t& budget);
  bool at_end() const { return node_ == nullptr; }

 private:
  friend class Retained;

  bool many(std::size_t depth) const;  // more than one child may match there
  bool matches() const;
  bool hidden() const;
  void descend(const RetainedNode* parent, std::size_t depth);
  void leave();

  Retained& retained_;
  std::string filter_;
  std::vector<std::string_view> levels_;  // of filter_, without a final "#"
  bool multi_level_ = false;              // a final "#"
  RetainedNode* node_ = nullptr;          // to be looked at next
  std::size_t depth_ = 0;                 // of node_; 0 is the first level
  std::uint64_t newest_ = 0;              // no message after this one is shown
};

}  // namespace tandemq::core
