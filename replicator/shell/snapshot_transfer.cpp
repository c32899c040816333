#include "replicator/shell/snapshot_transfer.h"

#include <event2/event.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "broker/base/check.h"
#include "broker/base/crc32c.h"

namespace tandemq::repl {
namespace {

constexpr std::size_t kChunkBytes = 256u << 10;
constexpr std::size_t kTurnBytes = 1u << 20;   // sent in one turn of the loop
constexpr std::size_t kAheadBytes = 2u << 20;  // unsent, at most about
constexpr std::uint64_t kSyncEach = 8u << 20;  // received bytes between two hints to the disk

Error failed(const char* what, const std::string& path) {
  return Error{std::string(what) + " " + path + ": " + std::strerror(errno)};
}

}  // namespace

SnapshotSender::SnapshotSender(event_base* base, Link& link, std::function<void(Status)> done)
    : link_(link), done_(std::move(done)) {
  turn_ = evtimer_new(
      base, [](int, short, void* self) { static_cast<SnapshotSender*>(self)->pump(); }, this);
  TMQ_CHECK(turn_ != nullptr);
}

SnapshotSender::~SnapshotSender() {
  event_free(turn_);
  if (fd_ >= 0) ::close(fd_);
}

Status SnapshotSender::open(const std::string& path, Lsn lsn, EpochHistory history) {
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat about {};
  if (fd_ < 0 || ::fstat(fd_, &about) != 0) return failed("cannot read the snapshot", path);
  size_ = static_cast<std::uint64_t>(about.st_size);
  link_.send(msg::SnapshotBegin{lsn, size_, std::move(history)});
  later();
  return Done{};
}

void SnapshotSender::drained() {
  if (fd_ >= 0) later();
}

// In the loop's next turn: event_active would come back in this one, before any socket.
void SnapshotSender::later() {
  const timeval now{0, 0};
  evtimer_add(turn_, &now);
}

double SnapshotSender::progress() const {
  return size_ == 0 ? 1 : static_cast<double>(offset_) / static_cast<double>(size_);
}

void SnapshotSender::pump() {
  if (fd_ < 0) return;
  for (std::size_t sent = 0; sent < kTurnBytes && link_.unsent() < kAheadBytes;) {
    if (offset_ == size_) {
      link_.send(msg::SnapshotEnd{crc_});
      return finish(Done{});
    }
    buffer_.resize(std::min<std::uint64_t>(kChunkBytes, size_ - offset_));
    const ssize_t n = ::pread(fd_, buffer_.data(), buffer_.size(), static_cast<off_t>(offset_));
    if (n <= 0) return finish(Error{"the snapshot's file cannot be read or became shorter"});
    buffer_.resize(static_cast<std::size_t>(n));
    link_.send(msg::SnapshotChunk{offset_, crc32c(buffer_), buffer_});
    crc_ = crc32c(buffer_, crc_);
    offset_ += buffer_.size();
    sent += buffer_.size();
  }
  if (link_.unsent() < kAheadBytes) later();
}

void SnapshotSender::finish(Status status) {
  ::close(fd_);
  fd_ = -1;
  const auto done = std::move(done_);
  done(std::move(status));
}

Result<std::unique_ptr<SnapshotReceiver>> SnapshotReceiver::create(const std::string& path,
                                                                   std::uint64_t total) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) return failed("cannot create", path);
  std::unique_ptr<SnapshotReceiver> made(new SnapshotReceiver(path, fd));
  // A disk too small is told before hours of copying, not behind them.
  const int room = total == 0 ? 0 : ::posix_fallocate(fd, 0, static_cast<off_t>(total));
  if (room == 0) return made;
  errno = room;
  const Error error = failed("no room for the snapshot:", path);
  ::unlink(path.c_str());
  return error;
}

SnapshotReceiver::~SnapshotReceiver() {
  if (fd_ >= 0) ::close(fd_);
}

Status SnapshotReceiver::store(std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("cannot write", path_);
    offset += static_cast<std::uint64_t>(n);
    unsynced_ += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (unsynced_ < kSyncEach) return Done{};
  unsynced_ = 0;
  // The disk begins now, so that little is left for the fsync at the end. It does not wait.
  static_cast<void>(::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE));
  return Done{};
}

Status SnapshotReceiver::finish() {
  const bool synced = ::fsync(fd_) == 0;
  Status status = synced ? Status(Done{}) : Status(failed("cannot sync", path_));
  ::close(fd_);
  fd_ = -1;
  return status;
}

}  // namespace tandemq::repl
