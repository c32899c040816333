#include "replicator/shell/snapshot_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tandemq::repl {
namespace {

constexpr unsigned kWritten =
    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
constexpr std::uint64_t kSyncEach = 8u << 20;  // received bytes between two hints to the disk

Error snapshot_error(const char* what, const std::string& path) {
  return Error{std::string(what) + " " + path + ": " + std::strerror(errno)};
}

class FileReader final : public SnapshotReader {
 public:
  FileReader(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  ~FileReader() override { ::close(fd_); }
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  std::uint64_t size() const override { return size_; }
  Status read(std::uint64_t offset, std::size_t bytes, std::string& out) override {
    out.resize(bytes);
    const ssize_t n = ::pread(fd_, out.data(), bytes, static_cast<off_t>(offset));
    if (n <= 0) return Error{"the snapshot's file cannot be read or became shorter"};
    out.resize(static_cast<std::size_t>(n));
    return Done{};
  }

 private:
  const int fd_;
  const std::uint64_t size_;
};

class FileWriter final : public SnapshotWriter {
 public:
  FileWriter(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~FileWriter() override {
    if (fd_ >= 0) ::close(fd_);
  }
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  Status store(std::uint64_t offset, std::string_view bytes) override;
  Status finish(const std::function<void()>& goes_on) override;
  void remove() override { ::unlink(path_.c_str()); }
  const std::string& path() const override { return path_; }

 private:
  const std::string path_;
  int fd_;
  std::uint64_t unsynced_ = 0;
};

Status FileWriter::store(std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return snapshot_error("cannot write", path_);
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

Status FileWriter::finish(const std::function<void()>& goes_on) {
  struct stat about {};
  const off_t size = ::fstat(fd_, &about) == 0 ? about.st_size : 0;
  bool synced = true;
  for (off_t at = 0; synced && at < size; at += static_cast<off_t>(kSyncEach)) {
    // An error is told here, and not again by the fsync; only that the call is unknown is none.
    const int done = ::sync_file_range(fd_, at, static_cast<off_t>(kSyncEach), kWritten);
    synced = done == 0 || errno == ENOSYS;
    goes_on();
  }
  synced = synced && ::fsync(fd_) == 0;
  Status status = synced ? Status(Done{}) : Status(snapshot_error("cannot sync", path_));
  ::close(fd_);
  fd_ = -1;
  return status;
}

}  // namespace

Result<std::unique_ptr<SnapshotReader>> open_snapshot(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return snapshot_error("cannot read the snapshot", path);
  struct stat about {};
  if (::fstat(fd, &about) != 0) {
    ::close(fd);
    return snapshot_error("cannot read the snapshot", path);
  }
  return std::unique_ptr<SnapshotReader>(
      std::make_unique<FileReader>(fd, static_cast<std::uint64_t>(about.st_size)));
}

Result<std::unique_ptr<SnapshotWriter>> create_snapshot(const std::string& path,
                                                        std::uint64_t bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) return snapshot_error("cannot create", path);
  auto made = std::make_unique<FileWriter>(path, fd);
  // A disk too small is told before hours of copying, not behind them.
  const int room = bytes == 0 ? 0 : ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
  if (room == 0) return std::unique_ptr<SnapshotWriter>(std::move(made));
  errno = room;
  const Error error = snapshot_error("no room for the snapshot:", path);
  ::unlink(path.c_str());
  return error;
}

}  // namespace tandemq::repl
