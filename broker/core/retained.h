// Retained messages: a trie by topic level, so that a new subscription finds its messages without
// looking at the others. About 110 bytes a message beside the message itself.
#pragma once

#include <cstdint>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/ids.h"
#include "broker/core/flat_table.h"
#include "broker/core/message.h"

namespace tandemq::core {

struct RetainedNode;

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
  friend class RetainedCursors;

  std::uint64_t seed_;
  std::uint64_t stores_ = 0;  // calls of store(); numbers the messages
  std::size_t size_ = 0;
  std::uint64_t bytes_ = 0;
  FlatTable<RetainedNode> edges_;  // all nodes, by parent and level; owned
  RetainedNode* first_ = nullptr;  // of the first level
  RetainedNode* last_ = nullptr;
  // Those that expire; the topic is the message's own.
  std::set<std::pair<TimeMs, std::string_view>> expiries_;
};

}  // namespace tandemq::core
