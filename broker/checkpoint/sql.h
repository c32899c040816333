// A thin layer over SQLite's C interface with one sticky error per connection: after the first
// failure every further call does nothing, so that a sequence of statements is checked once, at
// its end. One connection belongs to one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tandemq::broker::sql {

enum class Mode : std::uint8_t {
  create,    // read and write, created when missing
  write,     // read and write, must exist
  read,      // read only, sees other connections' committed writes
  immutable  // read only, nobody writes it: needs no -wal and -shm beside it
};

class Database {
 public:
  Database(const std::string& path, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  bool ok() const { return !error_.has_value(); }
  // The first error; only when !ok(). Codes: checkpoint.h.
  const Error& error() const { return *error_; }
  Status status() const;

  // Runs statements that give no rows (or whose rows do not matter).
  void run(const char* sql);
  // First column of the first row, 0 without a row.
  std::int64_t number(const char* sql);

  // Takes an error that SQLite does not know: what the rows say makes no sense.
  void damaged(const std::string& what);
  // Takes another error of ours: the file is whole, but not for us.
  void refuse(const std::string& what);
  // Takes SQLite's own error, whatever it says now.
  void fail(int code, const char* doing);
  // Forgets the error, after a rollback.
  void forgive() { error_.reset(); }

  // Statements stop with kCheckpointStopped soon after *stop is true. `stop` outlives this.
  void watch(const std::atomic<bool>* stop);

  sqlite3* handle() const { return handle_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
  std::optional<Error> error_;
};

// A prepared statement, usable again and again: bind in column order, step, read, next.
// Views that it gives are valid until the next step or bind; views bound must live until then.
class Statement {
 public:
  Statement(Database& db, const char* sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::uint64_t value);
  Statement& bind_text(std::string_view value);
  Statement& bind_blob(std::string_view value);  // empty: NULL
  Statement& bind_null();

  // The next row; false at the end or after an error, and the statement is ready to be bound anew.
  bool step();
  // For statements without rows: runs it, returns how many rows changed.
  std::uint64_t run();
  // Before the end of the rows: ready to be bound anew.
  void reset();

  std::uint64_t number(int column) const;
  std::string_view text(int column) const;  // text and blobs alike
  bool is_null(int column) const;

 private:
  Database& db_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

}  // namespace tandemq::broker::sql
