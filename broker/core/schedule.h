// When to look at a session again: a heap by time. Entries are never removed from the middle; a
// seat says itself which of its session's entries counts (Seat::scheduled_at), the others are
// skipped.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "broker/base/ids.h"
#include "broker/core/session.h"

namespace tandemq::core {

// When the session ends, when its will is due; 0: never, or not while it is connected.
TimeMs session_end(const Session& session);
TimeMs will_due(const Session& session);

class Schedule {
 public:
  struct Entry {
    TimeMs at = 0;
    SessionId session = kNoSession;
    bool operator>(const Entry& other) const {
      return at != other.at ? at > other.at : session > other.session;
    }
  };

  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  const Entry& top() const { return heap_.front(); }

  void push(Entry entry) {
    heap_.push_back(entry);
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  }
  void pop() {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    heap_.pop_back();
  }
  // Keeps the entries for which `counts(entry)` holds.
  template <class Counts>
  void compact(Counts&& counts) {
    std::erase_if(heap_, [&](const Entry& entry) { return !counts(entry); });
    std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  }

 private:
  std::vector<Entry> heap_;
};

}  // namespace tandemq::core
