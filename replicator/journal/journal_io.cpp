#include "replicator/journal/journal_io.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "broker/base/exit_code.h"

namespace tandemq::repl {
namespace {

constexpr mode_t kFileMode = 0640;

template <class T>
T or_errno(T result) {
  return result < 0 ? static_cast<T>(-errno) : result;
}

}  // namespace

int JournalIo::make_folder(const std::string& dir) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::is_directory(dir, error)) return 0;
  fs::create_directories(dir, error);
  if (!error) {
    fs::permissions(dir, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec,
                    error);
  }
  return -error.value();
}

int JournalIo::open(const std::string& path, int flags) {
  return or_errno(::open(path.c_str(), flags | O_CLOEXEC, kFileMode));
}

void JournalIo::close(int fd) {
  ::close(fd);
}

int JournalIo::lock(int fd) {
  return or_errno(::flock(fd, LOCK_EX | LOCK_NB));
}

int JournalIo::list(const std::string& dir, std::vector<std::string>& names) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir, error)) {
    names.push_back(entry.path().filename().string());
  }
  return -error.value();
}

std::int64_t JournalIo::size(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 ? info.st_size : -errno;
}

ssize_t JournalIo::pwrite(int fd, std::string_view data, std::uint64_t offset) {
  return or_errno(::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset)));
}

ssize_t JournalIo::pread(int fd, char* data, std::size_t size, std::uint64_t offset) {
  return or_errno(::pread(fd, data, size, static_cast<off_t>(offset)));
}

int JournalIo::allocate(int fd, std::uint64_t size) {
  const int result = ::fallocate(fd, 0, 0, static_cast<off_t>(size));
  if (result == 0) return 0;
  // File systems without preallocation: a sparse file, and ENOSPC may come later.
  if (errno == EOPNOTSUPP) return or_errno(::ftruncate(fd, static_cast<off_t>(size)));
  return -errno;
}

int JournalIo::truncate(int fd, std::uint64_t size) {
  return or_errno(::ftruncate(fd, static_cast<off_t>(size)));
}

int JournalIo::fdatasync(int fd) {
  return or_errno(::fdatasync(fd));
}

int JournalIo::sync_folder(int fd) {
  return or_errno(::fsync(fd));
}

int JournalIo::remove(const std::string& path) {
  return or_errno(::unlink(path.c_str()));
}

int JournalIo::rename(const std::string& from, const std::string& to) {
  return or_errno(::rename(from.c_str(), to.c_str()));
}

JournalIo& JournalIo::system() {
  static JournalIo io;
  return io;
}

int write_all(JournalIo& io, int fd, std::string_view data, std::uint64_t offset) {
  while (!data.empty()) {
    const ssize_t written = io.pwrite(fd, data, offset);
    if (written == -EINTR) continue;
    if (written < 0) return static_cast<int>(written);
    if (written == 0) return -EIO;
    data.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return 0;
}

ssize_t read_all(JournalIo& io, int fd, char* data, std::size_t size, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = io.pread(fd, data + done, size - done, offset + done);
    if (got == -EINTR) continue;
    if (got < 0) return got;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

std::string io_error(ssize_t result) {
  return std::strerror(static_cast<int>(-result));
}

Error refused(const char* what, const std::string& path, ssize_t result) {
  return Error{std::string("cannot ") + what + " " + path + ": " + io_error(result),
               kExitEnvironment};
}

Error read_error(const char* what, const std::string& path, ssize_t result) {
  const char* remedy = result == -EIO ? "; if it stays so, the disk is failing" : "";
  return Error{refused(what, path, result).message + remedy, kExitEnvironment};
}

}  // namespace tandemq::repl
