#include "broker/checkpoint/sql.h"

#include <sqlite3.h>

#include "broker/checkpoint/checkpoint.h"

namespace tandemq::broker::sql {

namespace {

int open_flags(Mode mode) {
  switch (mode) {
    case Mode::create:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case Mode::write:
      return SQLITE_OPEN_READWRITE;
    default:
      return SQLITE_OPEN_READONLY;
  }
}

// Characters with a meaning in a URI file name.
std::string uri_of(const std::string& path, Mode mode) {
  std::string uri = "file:";
  for (char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      static const char kHex[] = "0123456789abcdef";
      uri += '%';
      uri += kHex[static_cast<unsigned char>(c) >> 4];
      uri += kHex[c & 15];
    } else {
      uri += c;
    }
  }
  return mode == Mode::immutable ? uri + "?immutable=1" : uri;
}

int our_code(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_MISMATCH:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:  // a table or column is missing
      return kCheckpointDamaged;
    case SQLITE_INTERRUPT:
      return kCheckpointStopped;
    default:
      return kCheckpointIo;
  }
}

const char* remedy(int our) {
  switch (our) {
    case kCheckpointDamaged:
      return "; the file is damaged: resync this node from its peer, or restore a backup";
    case kCheckpointIo:
      return "; check space, permissions and the disk below it";
    default:
      return "";
  }
}

}  // namespace

Database::Database(const std::string& path, Mode mode) : path_(path) {
  const int code =
      sqlite3_open_v2(uri_of(path, mode).c_str(), &handle_,
                      open_flags(mode) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, nullptr);
  if (code != SQLITE_OK) {
    fail(code, "open");
    return;
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, 5000);
}

Database::~Database() {
  sqlite3_close_v2(handle_);
}

Status Database::status() const {
  if (error_) return *error_;
  return Done{};
}

void Database::fail(int code, const char* doing) {
  if (error_) return;
  const int our = our_code(code);
  std::string text = "checkpoint " + path_ + ": cannot " + doing + ": ";
  text += handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  error_ = Error{text + remedy(our), our};
}

void Database::damaged(const std::string& what) {
  if (error_) return;
  error_ =
      Error{"checkpoint " + path_ + ": " + what + remedy(kCheckpointDamaged), kCheckpointDamaged};
}

void Database::refuse(const std::string& what) {
  if (!error_) error_ = Error{"checkpoint " + path_ + ": " + what, kCheckpointForeign};
}

void Database::run(const char* sql) {
  if (!ok()) return;
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code, sql);
}

std::int64_t Database::number(const char* sql) {
  if (!ok()) return 0;
  Statement query(*this, sql);
  const std::int64_t value = query.step() ? static_cast<std::int64_t>(query.number(0)) : 0;
  query.reset();
  return value;
}

void Database::watch(const std::atomic<bool>* stop) {
  if (!ok()) return;
  auto stopped = [](void* flag) -> int {
    return static_cast<const std::atomic<bool>*>(flag)->load(std::memory_order_relaxed) ? 1 : 0;
  };
  sqlite3_progress_handler(handle_, 2000, stopped, const_cast<std::atomic<bool>*>(stop));
}

Statement::Statement(Database& db, const char* sql) : db_(db) {
  if (!db.ok()) return;
  const int code =
      sqlite3_prepare_v3(db.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  if (code != SQLITE_OK) db.fail(code, "read its tables");
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

Statement& Statement::bind(std::uint64_t value) {
  if (statement_) sqlite3_bind_int64(statement_, ++bound_, static_cast<sqlite3_int64>(value));
  return *this;
}

Statement& Statement::bind_text(std::string_view value) {
  if (statement_) {
    sqlite3_bind_text64(statement_, ++bound_, value.data() ? value.data() : "", value.size(),
                        SQLITE_STATIC, SQLITE_UTF8);
  }
  return *this;
}

Statement& Statement::bind_blob(std::string_view value) {
  if (value.empty()) return bind_null();
  if (statement_) {
    sqlite3_bind_blob64(statement_, ++bound_, value.data(), value.size(), SQLITE_STATIC);
  }
  return *this;
}

Statement& Statement::bind_null() {
  if (statement_) sqlite3_bind_null(statement_, ++bound_);
  return *this;
}

bool Statement::step() {
  if (!statement_ || !db_.ok()) {
    reset();
    return false;
  }
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) db_.fail(code, "read or write rows");
  reset();
  return false;
}

std::uint64_t Statement::run() {
  while (step()) {
  }
  return db_.ok() ? static_cast<std::uint64_t>(sqlite3_changes64(db_.handle())) : 0;
}

void Statement::reset() {
  if (statement_) sqlite3_reset(statement_);
  bound_ = 0;
}

std::uint64_t Statement::number(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
}

std::string_view Statement::text(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  if (!data) return {};
  return {static_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

}  // namespace tandemq::broker::sql
