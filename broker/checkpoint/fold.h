// The fold: what a window of journal records changes in the rows of a checkpoint. Only the net
// change is kept: a message that was queued and acknowledged within the window leaves no trace.
//
// It means by each record what core::State::apply means, but sees rows, not queues and tries, and
// asks the file only for the rows that a record names. That the two agree is shown by
// tests/unit/checkpoint/property.cpp, and watched in operation by the state hash that the nodes
// compare. Knows no SQLite (store.h is the RowSource and writes the changes).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/core/rows.h"
#include "broker/core/state.h"

namespace tandemq::broker::checkpoint {

struct FoldSession;

struct FoldDelivery {
  std::uint64_t sequence = 0;
  Lsn message = 0;        // 0: none any more
  core::MessageRef body;  // of a message of this window; null when the file has it
  std::unique_ptr<std::vector<std::uint32_t>> subscription_ids;  // null: none
  std::uint16_t packet_id = 0;
  core::DeliveryStage stage = core::DeliveryStage::queued;
  std::uint8_t qos = 0;
  bool retain = false;
  bool gone = false;         // the row is deleted, or never written
  bool changed = false;      // of a row in the file
  std::uint32_t memory = 0;  // counted in Fold::memory()
};

// The file's rows as they were before the window. Errors are kept by the source; the one who runs
// the fold asks for them at the end.
class RowSource {
 public:
  virtual ~RowSource() = default;
  // Fills row, client_id, username and listener. False: no such row.
  virtual bool session(core::SessionId id, FoldSession& session) = 0;
  // Sessions that are connected, or orphaned by a reign's end: what a reign's beginning changes.
  virtual std::vector<core::SessionId> open_sessions() = 0;
  virtual bool in_flight(core::SessionId session, std::uint16_t packet_id, FoldDelivery& row) = 0;
  virtual bool delivery(core::SessionId session, std::uint64_t sequence, FoldDelivery& row) = 0;
  // The oldest queued deliveries with a sequence number above `after`, at most `limit`.
  virtual std::vector<FoldDelivery> queued(core::SessionId session, std::uint64_t after,
                                           std::size_t limit) = 0;
  // LSN of the topic's retained message, 0: none.
  virtual Lsn retained(std::string_view topic) = 0;
};

// Packet identifiers in flight → sequence number. Acknowledgements come mostly in the order in
// which messages were sent, so a search from the front is short.
class InFlight {
 public:
  void put(std::uint16_t packet_id, std::uint64_t sequence);
  std::uint64_t find(std::uint16_t packet_id) const;  // 0: not here
  void erase(std::uint16_t packet_id);

 private:
  struct Entry {
    std::uint64_t sequence;  // 0: erased
    std::uint16_t packet_id;
  };
  std::vector<Entry> entries_;
  std::size_t head_ = 0;
};

struct FoldSession {
  bool stored = false;   // the file has its row
  bool exists = false;   // now
  bool changed = false;  // the row, without the will
  bool will_changed = false;
  core::SessionRow row;  // its views point at the next three
  std::string client_id, username, listener;

  // Deliveries of this window, contiguous in sequence from fresh_first.
  std::vector<FoldDelivery> fresh;
  std::uint64_t fresh_first = 0;
  std::uint64_t fresh_queue = 0;  // no queued one in `fresh` before this sequence
  std::size_t fresh_gone = 0;
  // Rows of the file that were looked at; those unchanged are not written.
  std::map<std::uint64_t, FoldDelivery> old;
  std::uint64_t old_queue = 0;  // no queued one in `old` before this sequence
  std::uint64_t old_read = 0;   // queued rows of the file up to here are in `old`
  bool old_queue_done = false;  // all of them are
  InFlight in_flight;           // of `fresh` and `old`

  // Net changes to the session's other rows; no value: the row goes, if there is one.
  struct Filter {
    core::SubscriptionFields fields;  // without the filter, which is the key
  };
  std::map<std::string, std::optional<Filter>> subscriptions;
  std::map<std::uint16_t, bool> inbound;
};

struct FoldRetained {
  Lsn stored = 0;         // message that the file has for the topic, 0: none
  Lsn message = 0;        // now, 0: none
  core::MessageRef body;  // of a message of this window
};

// A user or role that the window named; no value: it is no more.
using FoldAccounts =
    std::map<std::pair<core::AccountKind, std::string>, std::optional<core::Account>>;

// Looks strings up by view.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

class Fold {
 public:
  using Retained = std::unordered_map<std::string, FoldRetained, TextHash, std::equal_to<>>;

  // `meta` is the file's. `rows` outlives the fold.
  Fold(RowSource& rows, const core::MetaRow& meta);
  // The whole state, for an empty file. It shares the state's messages: a thread that is not the
  // state's own may read it, but must not copy or destroy it.
  static std::unique_ptr<const Fold> of(const core::State& state);

  // The next record. An error means that this version cannot read it.
  Status add(Lsn lsn, core::Kind kind, std::string_view body,
             std::uint8_t version = core::kNewestBody);

  const core::MetaRow& meta() const { return meta_; }
  // Bytes that the window's changes take, roughly.
  std::size_t memory() const { return memory_; }
  // What the window named, and how it is now.
  const std::unordered_map<core::SessionId, FoldSession>& sessions() const { return sessions_; }
  const Retained& retained() const { return retained_; }
  const FoldAccounts& accounts() const { return accounts_; }
  // By how much the file's messages gained or lost references.
  const std::map<Lsn, std::int64_t>& message_refs() const { return message_refs_; }

 private:
  class Whole;
  FoldSession* touch(core::SessionId session);    // null: there is none
  FoldSession* require(core::SessionId session);  // null: there is none, and that is a fault
  FoldSession* create(core::SessionId session);   // null: it exists already
  FoldRetained& touch_retained(std::string_view topic);

#define TMQ_X(number, kind, type, version) void apply(Lsn lsn, const core::type& r);
  TMQ_RECORD_KINDS(TMQ_X)
#undef TMQ_X

  // `memory`: this delivery's part of the message.
  void put(FoldSession& session, const core::Target& target, Lsn message,
           const core::MessageRef& body, std::size_t memory);
  void finish(FoldSession& session, FoldDelivery& delivery);
  void drop_queued(FoldSession& session, std::uint64_t sequence);
  void end_flight(core::SessionId session, std::uint16_t packet_id);
  void release_message(FoldDelivery& delivery);
  void set_retained(std::string_view topic, Lsn message, const core::MessageRef& body);
  FoldDelivery* by_packet_id(FoldSession& session, std::uint16_t packet_id);
  FoldDelivery* by_sequence(FoldSession& session, std::uint64_t sequence);
  FoldDelivery* oldest_queued(FoldSession& session);
  FoldDelivery* oldest_queued_old(FoldSession& session);
  void keep_account(const core::AccountFields& fields);
  void see_time(TimeMs time);

  RowSource& rows_;
  core::MetaRow meta_;
  std::unordered_map<core::SessionId, FoldSession> sessions_;
  Retained retained_;
  FoldAccounts accounts_;
  std::map<Lsn, std::int64_t> message_refs_;
  std::size_t memory_ = 0;
  const char* fault_ = nullptr;  // what is wrong with the record that is being applied
  core::Record record_;          // reused, its vectors keep their capacity
};

}  // namespace tandemq::broker::checkpoint
