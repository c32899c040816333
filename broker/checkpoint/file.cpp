// The checkpoint as a file: made, looked at, set aside, replaced.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "broker/checkpoint/checkpoint.h"
#include "broker/checkpoint/schema.h"
#include "broker/checkpoint/store.h"

namespace tandemq::broker {

using namespace checkpoint;
namespace fs = std::filesystem;

namespace {

// What SQLite keeps beside the file.
constexpr const char* kCompanions[] = {"-wal", "-shm", "-journal"};

constexpr std::uint64_t kSqliteHeader = 100;  // bytes

Error io_error(const std::string& path, const std::string& doing, int code) {
  return {"checkpoint " + path + ": cannot " + doing + ": " + std::strerror(code), kCheckpointIo};
}

Status sync_path(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return io_error(path, "open it for a sync", errno);
  const int result = ::fsync(fd);
  const int code = errno;
  ::close(fd);
  if (result != 0) return io_error(path, "sync it", code);
  return Done{};
}

std::string folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

Status sync_folder(const std::string& path) {
  return sync_path(folder_of(path), O_RDONLY | O_DIRECTORY);
}

Status rename_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return io_error(from, "rename it to " + to, errno);
  return Done{};
}

}  // namespace

Result<CheckpointInfo> checkpoint_prepare(const CheckpointConfig& config) {
  std::error_code ignored;
  const bool is_new = !fs::exists(config.path, ignored);
  if (is_new) {
    // A log without its file belongs to a file that was moved away.
    for (const char* suffix : kCompanions) fs::remove(config.path + suffix, ignored);
  }
  // SQLite takes a file without a whole header for an empty one.
  const auto size = is_new ? 0 : fs::file_size(config.path, ignored);
  sql::Database db(config.path, sql::Mode::create);
  if (size > 0 && size < kSqliteHeader) db.damaged("is cut short");
  db.run("PRAGMA auto_vacuum = INCREMENTAL");  // counts in a file without tables only, and first
  set_durable(db);
  if (db.number("SELECT count(*) FROM sqlite_schema") == 0 && db.ok()) {
    create_tables(db, config.pair_id);
    if (db.ok()) {
      if (Status synced = sync_folder(config.path); !synced) return synced.error();
    }
  }
  const Head head = check_head(db, config.pair_id);
  if (!db.ok()) return db.error();
  return CheckpointInfo{head.meta, head.rows, file_bytes(config.path)};
}

Result<CheckpointInfo> checkpoint_inspect(const std::string& path) {
  sql::Database db(path, sql::Mode::read);
  check_format(db);
  if (!db.ok()) return db.error();
  const Head head = read_head(db);
  if (!db.ok()) return db.error();
  return CheckpointInfo{head.meta, head.rows, file_bytes(path)};
}

Result<std::string> checkpoint_set_aside(const CheckpointConfig& config) {
  std::string aside;
  for (int n = 1; aside.empty() || fs::exists(aside); ++n) {
    aside = config.path + ".damaged-" + std::to_string(n);
  }
  if (Status moved = rename_file(config.path, aside); !moved) return moved.error();
  for (const char* suffix : kCompanions) {
    if (!fs::exists(config.path + suffix)) continue;
    if (Status moved = rename_file(config.path + suffix, aside + suffix); !moved) {
      return moved.error();
    }
  }
  if (Status synced = sync_folder(config.path); !synced) return synced.error();
  return aside;
}

Result<CheckpointInfo> checkpoint_install(
    const CheckpointConfig& config, const std::string& file, Lsn lsn,
    const std::function<void(const CheckpointProgress&)>& progress) {
  CheckpointConfig snapshot = config;
  snapshot.path = file;
  auto checked = checkpoint_read(snapshot, sql::Mode::immutable, nullptr, &progress);
  if (!checked) return checked.error();
  if (checked->meta.lsn != lsn) {
    return Error{"checkpoint " + file + ": holds LSN " + std::to_string(checked->meta.lsn) +
                     ", expected " + std::to_string(lsn) + "; ask the peer for a new snapshot",
                 kCheckpointDamaged};
  }
  if (Status synced = sync_path(file, O_RDWR); !synced) return synced.error();
  // The old log must go before the new file comes: SQLite would take it for the new file's. What
  // it holds is brought into the old file first, for the case that we end in between.
  std::error_code ignored;
  if (fs::exists(config.path, ignored)) {
    sql::Database old(config.path, sql::Mode::write);
    const auto busy = old.number("PRAGMA wal_checkpoint(TRUNCATE)");
    if (old.ok() && busy != 0) {
      return Error{"checkpoint " + config.path + ": another program is reading it; end that first",
                   kCheckpointIo};
    }
  }
  for (const char* suffix : kCompanions) fs::remove(config.path + suffix, ignored);
  if (Status moved = rename_file(file, config.path); !moved) return moved.error();
  if (Status synced = sync_folder(config.path); !synced) return synced.error();
  checked->bytes = file_bytes(config.path);
  return checked;
}

namespace checkpoint {

std::uint64_t file_bytes(const std::string& path) {
  std::uint64_t bytes = 0;
  for (const char* suffix : {"", "-wal"}) {
    std::error_code code;
    const auto size = fs::file_size(path + suffix, code);
    if (!code) bytes += size;
  }
  return bytes;
}

Head check_head(sql::Database& db, const std::string& pair_id) {
  check_format(db);
  if (!db.ok()) return {};
  Head head = read_head(db);
  if (db.ok() && head.pair_id != pair_id) {
    db.refuse("belongs to pair \"" + head.pair_id + "\", not to \"" + pair_id +
              "\"; check replication.pair_id and node.data_dir");
  }
  return head;
}

}  // namespace checkpoint
}  // namespace tandemq::broker
