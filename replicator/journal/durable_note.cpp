#include "replicator/journal/durable_note.h"

#include <fcntl.h>

#include <cerrno>

#include "broker/base/bytes.h"
#include "broker/base/crc32c.h"

namespace tandemq::repl {
namespace {

constexpr std::string_view kMagic = "TQSYNCED";
constexpr std::size_t kCoveredBytes = 16;  // by the checksum
constexpr std::size_t kBytes = 20;

std::string path_in(const std::string& dir) {
  return dir + "/durable";
}

}  // namespace

Result<Lsn> read_durable_note(JournalIo& io, const std::string& dir) {
  const std::string path = path_in(dir);
  const int fd = io.open(path, O_RDONLY);
  if (fd == -ENOENT) return 0;
  if (fd < 0) return read_error("open", path, fd);
  const JournalFile file(io, path, fd);
  char bytes[kBytes];
  const ssize_t got = read_all(io, fd, bytes, kBytes, 0);
  if (got < 0) return read_error("read", path, got);
  if (got != static_cast<ssize_t>(kBytes)) return 0;
  const std::string_view covered(bytes, kCoveredBytes);
  const bool whole = covered.starts_with(kMagic) &&
                     crc32c(covered) == get_le<std::uint32_t>(bytes + kCoveredBytes);
  return whole ? get_le<Lsn>(bytes + kMagic.size()) : 0;
}

DurableNote::DurableNote(JournalIo& io, const std::string& dir) : io_(io), path_(path_in(dir)) {}

std::optional<IoFault> DurableNote::write(Lsn lsn, bool durably) {
  if (!file_) {
    const int fd = io_.open(path_, O_RDWR | O_CREAT);
    if (fd < 0) return IoFault{false, path_, fd};
    file_ = std::make_unique<JournalFile>(io_, path_, fd);
  }
  std::string bytes(kMagic);
  put_le(bytes, lsn);
  put_le(bytes, crc32c(bytes));
  const int written = write_all(io_, file_->fd, bytes, 0);
  if (written < 0) return IoFault{false, path_, written};
  if (!durably && ++unsynced_ < kSyncEvery) return std::nullopt;
  unsynced_ = 0;
  const int synced = io_.fdatasync(file_->fd);
  if (synced < 0) return IoFault{true, path_, synced};
  return std::nullopt;
}

}  // namespace tandemq::repl
