// The checkpoint file opened for folding: answers the fold's questions about rows and writes its
// net changes, both inside one transaction. Belongs to one thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/checkpoint/fold.h"
#include "broker/checkpoint/schema.h"
#include "broker/checkpoint/sql.h"

namespace tandemq::broker::checkpoint {

class Store final : public RowSource {
 public:
  ~Store() override;

  // The file exists (checkpoint_prepare). Statements end early when *stop becomes true.
  static Result<std::unique_ptr<Store>> open(const std::string& path,
                                             const std::atomic<bool>* stop);

  const Head& head() const { return head_; }
  // The first error since begin(), of reading too.
  Status status() const { return db_.status(); }

  // A window: begin, folds that ask the RowSource, commit. After an error of any, rollback.
  Status begin();
  // Writes what `fold` changed; durable when it returns. Gives the number of rows written.
  Result<std::uint64_t> commit(const Fold& fold);
  void rollback();
  // Moves the write-ahead log into the file and gives memory back, and a part of the file when
  // most of it is free. Not needed for durability: what fails here is left for the next time.
  void tidy();

  // Copies the file as it is to `path`.
  Status copy_to(const std::string& path);

  bool session(core::SessionId id, FoldSession& session) override;
  std::vector<core::SessionId> open_sessions() override;
  bool in_flight(core::SessionId session, std::uint16_t packet_id, FoldDelivery& row) override;
  bool delivery(core::SessionId session, std::uint64_t sequence, FoldDelivery& row) override;
  std::vector<FoldDelivery> queued(core::SessionId session, std::uint64_t after,
                                   std::size_t limit) override;
  Lsn retained(std::string_view topic) override;

 private:
  struct Reads;
  struct Writes;
  using Refs = std::map<Lsn, std::int64_t>;
  using Bodies = std::vector<std::pair<Lsn, const core::Message*>>;

  Store(const std::string& path, const std::atomic<bool>* stop);
  bool read_delivery(sql::Statement& query, core::SessionId session, FoldDelivery& row);
  void write_session(const FoldSession& session, Refs& refs, Bodies& bodies);
  void remove_session(const FoldSession& session, Refs& refs);
  void write_will(const FoldSession& session);
  void write_filters(const FoldSession& session);
  void write_deliveries(const FoldSession& session, Bodies& bodies);
  void write_delivery(sql::Statement& write, core::SessionId session, const FoldDelivery& row);
  void write_retained(const Fold& fold, Bodies& bodies);
  void write_accounts(const Fold& fold);
  void write_messages(Bodies& bodies);
  void write_message_refs(const Refs& refs);

  const std::atomic<bool>* stop_;
  sql::Database db_;
  Head head_;  // of the file
  Head next_;  // being written
  std::uint64_t written_ = 0;
  std::unique_ptr<Reads> reads_;
  std::unique_ptr<Writes> writes_;
};

// Settings that every connection which writes needs; the reasons are in docs/checkpoint-format.md.
void set_durable(sql::Database& db);

}  // namespace tandemq::broker::checkpoint
