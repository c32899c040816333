// A disk in memory that remembers what was synced, for crash tests and the simulator. A write goes
// to the "page cache"; fdatasync makes a file's bytes and size durable, sync_folder its names.
// A power loss keeps what is durable and, of the rest, what chance let through: any sectors of the
// writes, and a first part of the changes of names and sizes (file systems keep those in order).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "replicator/journal/journal_io.h"

namespace tandemq::test {

class MemoryDisk final : public repl::JournalIo {
 public:
  MemoryDisk() = default;
  MemoryDisk(const MemoryDisk& other);  // deep, without open files
  MemoryDisk& operator=(const MemoryDisk&) = delete;

  int make_folder(const std::string& dir) override;
  int open(const std::string& path, int flags) override;
  void close(int fd) override;
  int lock(int fd) override;
  int list(const std::string& dir, std::vector<std::string>& names) override;
  std::int64_t size(int fd) override;
  ssize_t pwrite(int fd, std::string_view data, std::uint64_t offset) override;
  ssize_t pread(int fd, char* data, std::size_t size, std::uint64_t offset) override;
  int allocate(int fd, std::uint64_t size) override;
  int truncate(int fd, std::uint64_t size) override;
  int fdatasync(int fd) override;
  int sync_folder(int fd) override;
  int remove(const std::string& path) override;
  int rename(const std::string& from, const std::string& to) override;

  // The power goes: `kept` is the chance, in percent, that a sector not synced is on the disk.
  void lose_power(std::mt19937_64& random, unsigned kept);

  // Called before everything that changes the disk (tests that take a copy in the middle).
  std::function<void()> before_change;

  // Faults. Bytes that may still be written before every write fails with `error`; the write that
  // meets the limit is done in part.
  std::uint64_t bytes_left = ~std::uint64_t{0};
  int write_error = 5;  // EIO
  int sync_error = 0;   // not 0: every fdatasync fails with it
  // The n-th from now on fails once with EIO, 0: none. Behind a sync that failed the file reads as
  // before, but what was written to it until then never becomes durable.
  unsigned read_fails_in = 0;
  unsigned sync_fails_in = 0;
  // The n-th change from now on (a file that is opened for it, too) is refused once, 0: none.
  unsigned change_fails_in = 0;
  int change_error = 28;                        // ENOSPC
  std::uint64_t capacity = ~std::uint64_t{0};   // allocations beyond fail with ENOSPC
  std::size_t write_at_most = ~std::size_t{0};  // longer writes are short
  std::uint64_t syncs = 0;                      // counted
  std::uint64_t written = 0;                    // bytes

  // The bytes of a file, for tests that look or damage; null when there is none.
  std::string* content(const std::string& path);

 private:
  struct File {
    std::string cached;
    std::string durable;
    bool has_lost = false;  // writes that a sync failed for
  };
  using FileRef = std::shared_ptr<File>;
  enum class Kind : std::uint8_t { write, size, link, unlink };
  struct Change {  // not yet durable
    Kind kind = Kind::write;
    FileRef file;
    std::uint64_t offset = 0;  // write; or the new size
    std::string data;          // write; or the path
  };

  bool refuses();
  void note(Change change);
  void settle(const Change& change);
  void make_durable(const FileRef& file, bool writes);
  void resize(int fd, std::uint64_t size);
  std::uint64_t allocated() const;

  std::map<std::string, FileRef> names_;
  std::map<std::string, FileRef> durable_names_;
  std::vector<Change> changes_;
  std::map<int, FileRef> open_;  // null: a folder
  int next_fd_ = 1000;
};

}  // namespace tandemq::test
