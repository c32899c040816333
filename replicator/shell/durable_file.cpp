#include "replicator/shell/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "broker/base/exit_code.h"

namespace tandemq::repl {

Error file_error(const char* what, const std::string& path) {
  return Error{std::string(what) + " " + path + ": " + std::strerror(errno), kExitEnvironment};
}

namespace {

// Not to be tried again: the kernel tells of it once.
Error sync_failed(const std::string& path) {
  return Error{file_error("cannot sync", path).message, kExitDamaged};
}

Status sync_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return file_error("cannot open", folder);
  const Status synced = ::fsync(fd) == 0 ? Status(Done{}) : Status(sync_failed(folder));
  ::close(fd);
  return synced;
}

}  // namespace

DurableFile::DurableFile(std::string path) : path_(std::move(path)), temporary_(path_ + ".tmp") {}

DurableFile::~DurableFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

Status DurableFile::open() {
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  return fd_ < 0 ? Status(file_error("cannot create", temporary_)) : Status(Done{});
}

Status DurableFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error("cannot write", temporary_);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return Done{};
}

Status DurableFile::sync() {
  return ::fsync(fd_) == 0 ? Status(Done{}) : Status(sync_failed(temporary_));
}

Status DurableFile::finish() {
  Status done = sync();
  if (!done) return done;
  ::close(fd_);
  fd_ = -1;
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0)
    return file_error("cannot replace", path_);
  return sync_folder(path_.substr(0, path_.rfind('/')));
}

Status write_file_durably(const std::string& path, std::string_view content) {
  DurableFile file(path);
  Status done = file.open();
  if (done) done = file.append(content);
  if (done) done = file.finish();
  return done;
}

}  // namespace tandemq::repl
