// Who wants what: exact filters in a hash table, filters with wildcards in a trie whose edges share
// one hash table. Matching copies nothing and costs the topic's depth, not the number of filters.
// Sessions and the index point at each other; a session leaves by remove_all() before it dies.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/flat_table.h"
#include "broker/core/session.h"
#include "broker/core/slots.h"
#include "broker/core/subscriber_list.h"

namespace tandemq::core {

// The subscribers of $share/name/filter; each message goes to one of them.
struct ShareGroup {
  std::string name;
  SubscriberList members;
  std::uint32_t slot = 0;  // for those who keep something beside it
};

struct LevelNode;

// One filter, its text in the same allocation.
struct FilterNode {
  std::uint64_t hash = 0;
  SubscriberList plain;
  std::list<ShareGroup> groups;
  LevelNode* level = nullptr;  // of a filter with wildcards: where it hangs
  std::uint16_t filter_size = 0;

  // Without share prefix.
  std::string_view filter() const { return {reinterpret_cast<const char*>(this + 1), filter_size}; }
  static FilterNode* create(std::string_view filter, std::uint64_t hash);
  static void destroy(FilterNode* node);
};

// Reused from match to match.
struct MatchScratch {
  struct Level {
    std::string_view text;
    std::uint64_t hash;
  };
  std::vector<Level> levels;
  std::vector<const FilterNode*> nodes;  // the result
};

class Subscriptions {
 public:
  explicit Subscriptions(std::uint64_t seed);
  ~Subscriptions();
  Subscriptions(const Subscriptions&) = delete;
  Subscriptions& operator=(const Subscriptions&) = delete;

  // Adds or replaces; true when it is new.
  bool add(Session& session, const SubscriptionFields& fields);
  // False when there was none.
  bool remove(Session& session, std::string_view filter);
  void remove_all(Session& session);
  bool contains(const Session& session, std::string_view filter) const {
    return of(session, filter) != nullptr;
  }
  // The session's subscription; null when there is none. Valid until the next change.
  const SessionSubscription* of(const Session& session, std::string_view filter) const;

  // Fills scratch.nodes with every filter that matches, each once.
  void match(std::string_view topic, MatchScratch& scratch) const;

  // The fields of a session's subscription; `text` keeps the filter when it had to be composed.
  static SubscriptionFields fields_of(const SessionSubscription& subscription, std::string& text);

  std::size_t size() const { return size_; }

 private:
  struct Place {
    FilterNode* node = nullptr;
    ShareGroup* group = nullptr;
  };
  static constexpr std::uint32_t kNoSlot = ~0u;

  Place find(std::string_view filter) const;
  Place find_or_make(std::string_view filter);
  static SubscriberList& list_of(const Place& place);
  static std::uint32_t slot_of(const Session& session, const Place& place);
  void remove_slot(Session& session, std::uint32_t slot);
  void drop_if_empty(FilterNode* node, ShareGroup* group);
  void hang(FilterNode& node);
  void unhang(FilterNode& node);
  LevelNode* child(const LevelNode& parent, std::string_view level, std::uint64_t hash) const;
  void descend(const LevelNode& node, std::size_t depth, bool dollar, MatchScratch& scratch) const;

  std::uint64_t seed_;
  std::size_t size_ = 0;
  Slots group_slots_;
  FlatTable<FilterNode> filters_;  // all, by text; owned
  std::size_t exact_ = 0;          // of them without wildcard
  FlatTable<LevelNode> edges_;     // by parent and level; owned
  std::unique_ptr<LevelNode> root_;
};

}  // namespace tandemq::core
