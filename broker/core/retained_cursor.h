// Walks over the retained messages whose topics match a filter, in pieces: they may change between
// two calls of next().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/retained.h"

namespace tandemq::core {

class RetainedCursor;

// The cursors of now. Whoever clears a retained message says so here before.
class RetainedCursors {
 public:
  // Cursors that stand where nothing will be afterwards go on.
  void topic_goes(const Retained& retained, std::string_view topic);

 private:
  friend class RetainedCursor;
  std::vector<RetainedCursor*> cursors_;
};

class RetainedCursor {
 public:
  // `retained` outlives the cursor's use. `filter` is valid and without share prefix. Messages
  // stored after the cursor was made are not shown.
  RetainedCursor(const Retained& retained, std::string_view filter,
                 std::shared_ptr<RetainedCursors> all);
  ~RetainedCursor();
  RetainedCursor(const RetainedCursor&) = delete;
  RetainedCursor& operator=(const RetainedCursor&) = delete;

  // The next match, in the order in which levels were first seen, valid until the next change of
  // the retained messages. Each topic level looked at takes one off `budget`; null when that is
  // used up, or at the end.
  const Message* next(std::size_t& budget);
  bool at_end() const { return node_ == nullptr; }

 private:
  friend class RetainedCursors;

  bool many(std::size_t depth) const;  // more than one child may match there
  bool matches() const;
  bool hidden() const;
  void descend(const RetainedNode* parent, std::size_t depth);
  void leave();

  const Retained& retained_;
  std::shared_ptr<RetainedCursors> all_;
  std::string filter_;
  std::vector<std::string_view> levels_;  // of filter_, without a final "#"
  bool multi_level_ = false;              // a final "#"
  const RetainedNode* node_ = nullptr;    // to be looked at next
  std::size_t depth_ = 0;                 // of node_; 0 is the first level
  std::uint64_t newest_ = 0;              // no message after this one is shown
};

}  // namespace tandemq::core
