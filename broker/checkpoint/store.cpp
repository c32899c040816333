// Reading for the fold, and the frame of a transaction. store_write.cpp writes.
#include "broker/checkpoint/store.h"

#include <sqlite3.h>

#include "broker/checkpoint/store_statements.h"

namespace tandemq::broker::checkpoint {

namespace {

constexpr std::int64_t kFreePagesKept = 4096;  // of 4 KiB: space that is soon used again

}  // namespace

void set_durable(sql::Database& db) {
  // FULL: each commit syncs the write-ahead log before it returns.
  db.run(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
      "PRAGMA secure_delete = OFF; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;");
}

Store::Store(const std::string& path, const std::atomic<bool>* stop)
    : stop_(stop), db_(path, sql::Mode::write) {
  set_durable(db_);
  check_format(db_);
  if (!db_.ok()) return;
  head_ = read_head(db_);
  reads_ = std::make_unique<Reads>(db_);
  writes_ = std::make_unique<Writes>(db_);
  db_.watch(stop);
}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& path, const std::atomic<bool>* stop) {
  std::unique_ptr<Store> store(new Store(path, stop));
  if (!store->db_.ok()) return store->db_.error();
  return store;
}

Status Store::begin() {
  db_.run("BEGIN IMMEDIATE");
  return db_.status();
}

void Store::rollback() {
  db_.forgive();
  // A failed commit may have rolled back already.
  if (sqlite3_get_autocommit(db_.handle()) == 0) db_.run("ROLLBACK");
  db_.forgive();
}

void Store::tidy() {
  if (!db_.ok()) return;
  const auto free_pages = db_.number("PRAGMA freelist_count");
  if (free_pages > kFreePagesKept && free_pages * 2 > db_.number("PRAGMA page_count")) {
    db_.run("PRAGMA incremental_vacuum(8192)");
  }
  db_.forgive();
  // Both are best effort: a reader in the way (an operator's query) leaves the log for next time.
  sqlite3_wal_checkpoint_v2(db_.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_db_release_memory(db_.handle());
}

bool Store::session(core::SessionId id, FoldSession& session) {
  sql::Statement& query = reads_->session;
  bool found = query.bind(id).step();
  if (found) {
    session.row = session_row(query);
    session.client_id = session.row.client_id;
    session.username = session.row.username;
    session.listener = session.row.listener;
    if (query.number(kSessionSum) != sum_of(session.row)) {
      db_.damaged("session " + std::to_string(id) + " has a wrong checksum");
      found = false;
    }
  }
  query.reset();
  session.row.client_id = session.client_id;
  session.row.username = session.username;
  session.row.listener = session.listener;
  return found;
}

std::vector<core::SessionId> Store::open_sessions() {
  std::vector<core::SessionId> sessions;
  sql::Statement& query = reads_->open;
  while (query.step()) sessions.push_back(static_cast<core::SessionId>(query.number(0)));
  return sessions;
}

bool Store::read_delivery(sql::Statement& query, core::SessionId session, FoldDelivery& row) {
  core::DeliveryRow read = delivery_row(query);
  read.session = session;
  row.message = query.number(kDeliveryMessage);
  if (query.number(kDeliverySum) != sum_of(read, row.message)) {
    db_.damaged("delivery " + std::to_string(read.sequence) + " of session " +
                std::to_string(session) + " has a wrong checksum");
    return false;
  }
  row.sequence = read.sequence;
  row.stage = read.stage;
  row.packet_id = read.packet_id;
  row.qos = read.qos;
  row.retain = read.retain;
  if (!read.subscription_ids.empty()) {
    row.subscription_ids =
        std::make_unique<std::vector<std::uint32_t>>(std::move(read.subscription_ids));
  }
  return true;
}

bool Store::in_flight(core::SessionId session, std::uint16_t packet_id, FoldDelivery& row) {
  sql::Statement& query = reads_->in_flight;
  const bool found =
      query.bind(session).bind(packet_id).step() && read_delivery(query, session, row);
  query.reset();
  return found;
}

bool Store::delivery(core::SessionId session, std::uint64_t sequence, FoldDelivery& row) {
  sql::Statement& query = reads_->delivery;
  const bool found =
      query.bind(session).bind(sequence).step() && read_delivery(query, session, row);
  query.reset();
  return found;
}

std::vector<FoldDelivery> Store::queued(core::SessionId session, std::uint64_t after,
                                        std::size_t limit) {
  std::vector<FoldDelivery> rows;
  sql::Statement& query = reads_->queued;
  query.bind(session).bind(after).bind(limit);
  while (query.step()) {
    FoldDelivery row;
    if (!read_delivery(query, session, row)) break;
    rows.push_back(std::move(row));
  }
  query.reset();
  return rows;
}

Lsn Store::retained(std::string_view topic) {
  sql::Statement& query = reads_->retained;
  const Lsn lsn = query.bind_text(topic).step() ? query.number(0) : 0;
  if (lsn && query.number(1) != sum_of_retained(topic, lsn)) {
    db_.damaged("a retained message has a wrong checksum");
  }
  query.reset();
  return lsn;
}

Status Store::copy_to(const std::string& path) {
  sql::Database target(path, sql::Mode::create);
  // Nothing depends on the copy surviving a crash: it is made again.
  target.run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
  if (!target.ok()) return target.error();
  sqlite3_backup* backup = sqlite3_backup_init(target.handle(), "main", db_.handle(), "main");
  if (!backup) {
    target.fail(sqlite3_errcode(target.handle()), "copy into it");
    return target.status();
  }
  int code = SQLITE_OK;
  while (code == SQLITE_OK) {
    code = sqlite3_backup_step(backup, 4096);
    if (stop_->load(std::memory_order_relaxed)) code = SQLITE_INTERRUPT;
  }
  sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE) target.fail(code, "copy into it");
  return target.status();
}

}  // namespace tandemq::broker::checkpoint
