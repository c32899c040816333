// The file system as the journal uses it, so that tests can make it fail and a simulated disk can
// forget what was not synced. Results are 0 or above, or a negative errno.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"

namespace tandemq::repl {

class JournalIo {
 public:
  virtual ~JournalIo() = default;
  virtual int make_folder(const std::string& dir);       // with its parents, mode 0750; may exist
  virtual int open(const std::string& path, int flags);  // created with mode 0640
  virtual void close(int fd);
  virtual int lock(int fd);  // for as long as it is open; -EWOULDBLOCK when another one holds it
  virtual int list(const std::string& dir, std::vector<std::string>& names);
  virtual std::int64_t size(int fd);
  virtual ssize_t pwrite(int fd, std::string_view data, std::uint64_t offset);
  virtual ssize_t pread(int fd, char* data, std::size_t size, std::uint64_t offset);
  virtual int allocate(int fd, std::uint64_t size);  // the file reads as zeros up to `size`
  virtual int truncate(int fd, std::uint64_t size);
  virtual int fdatasync(int fd);
  virtual int sync_folder(int fd);  // its names are durable
  virtual int remove(const std::string& path);
  virtual int rename(const std::string& from, const std::string& to);

  static JournalIo& system();
};

// An open segment file; shared by the loop and the sync worker, closed with the last owner.
struct JournalFile {
  JournalFile(JournalIo& file_io, std::string file_path, int file_fd)
      : io(file_io), path(std::move(file_path)), fd(file_fd) {}
  ~JournalFile() { io.close(fd); }
  JournalFile(const JournalFile&) = delete;
  JournalFile& operator=(const JournalFile&) = delete;

  JournalIo& io;
  const std::string path;
  const int fd;
};
using JournalFileRef = std::shared_ptr<JournalFile>;

// A step that failed. After a sync nobody can say what the disk has: the kernel tells of it once.
// After any other one all that was written before is where it was.
struct IoFault {
  bool sync = false;
  std::string path;
  int result = 0;  // a negative errno
};

// All of `data`, over short and interrupted writes; 0 or a negative errno.
int write_all(JournalIo& io, int fd, std::string_view data, std::uint64_t offset);
// Up to `size` bytes, less only at the end of the file; a negative errno on failure.
ssize_t read_all(JournalIo& io, int fd, char* data, std::size_t size, std::uint64_t offset);

// "No space left on device" for -ENOSPC.
std::string io_error(ssize_t result);
// What the host refuses to do now, and may do later.
Error refused(const char* what, const std::string& path, ssize_t result);
// What cannot be read is not damaged: nothing is to be changed, and the next try may well succeed.
Error read_error(const char* what, const std::string& path, ssize_t result);

}  // namespace tandemq::repl
