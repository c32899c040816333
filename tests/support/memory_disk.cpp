#include "tests/support/memory_disk.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "replicator/core/segment.h"

namespace tandemq::test {
namespace {

void write_at(std::string& bytes, std::uint64_t offset, std::string_view data) {
  if (bytes.size() < offset + data.size()) bytes.resize(offset + data.size());
  std::memcpy(bytes.data() + offset, data.data(), data.size());
}

// Whether this call is the one that fails.
bool counts_down(unsigned& fails_in) {
  return fails_in != 0 && --fails_in == 0;
}

}  // namespace

MemoryDisk::MemoryDisk(const MemoryDisk& other) : JournalIo(other) {
  std::map<const File*, FileRef> copies;
  const auto copy = [&copies](const FileRef& file) {
    FileRef& made = copies[file.get()];
    if (!made) made = std::make_shared<File>(*file);
    return made;
  };
  for (const auto& [path, file] : other.names_) names_[path] = copy(file);
  for (const auto& [path, file] : other.durable_names_) durable_names_[path] = copy(file);
  for (const Change& change : other.changes_) {
    changes_.push_back({change.kind, copy(change.file), change.offset, change.data});
  }
}

bool MemoryDisk::refuses() {
  return counts_down(change_fails_in);
}

void MemoryDisk::note(Change change) {
  if (before_change) before_change();
  changes_.push_back(std::move(change));
}

int MemoryDisk::make_folder(const std::string&) {
  return 0;
}

int MemoryDisk::open(const std::string& path, int flags) {
  if ((flags & O_ACCMODE) != O_RDONLY && refuses()) return -change_error;
  FileRef file;
  if ((flags & O_DIRECTORY) == 0) {
    const auto found = names_.find(path);
    if (found != names_.end()) {
      file = found->second;
    } else if ((flags & O_CREAT) != 0) {
      file = std::make_shared<File>();
      note({Kind::link, file, 0, path});
      names_[path] = file;
    } else {
      return -ENOENT;
    }
  }
  open_[++next_fd_] = file;
  if (file && (flags & O_TRUNC) != 0) resize(next_fd_, 0);
  return next_fd_;
}

void MemoryDisk::close(int fd) {
  open_.erase(fd);
}

int MemoryDisk::lock(int fd) {
  const auto holds = [fd](const auto& entry) { return !entry.second && entry.first != fd; };
  return std::any_of(open_.begin(), open_.end(), holds) ? -EWOULDBLOCK : 0;
}

int MemoryDisk::list(const std::string& dir, std::vector<std::string>& names) {
  for (const auto& [path, file] : names_) {
    if (path.starts_with(dir + "/")) names.push_back(path.substr(dir.size() + 1));
  }
  return 0;
}

std::int64_t MemoryDisk::size(int fd) {
  return static_cast<std::int64_t>(open_.at(fd)->cached.size());
}

ssize_t MemoryDisk::pwrite(int fd, std::string_view data, std::uint64_t offset) {
  if (refuses()) return -change_error;
  if (bytes_left == 0) return -write_error;
  const std::uint64_t limit = std::min<std::uint64_t>(bytes_left, write_at_most);
  data = data.substr(0, std::min<std::uint64_t>(limit, data.size()));
  if (bytes_left != ~std::uint64_t{0}) bytes_left -= data.size();
  const FileRef& file = open_.at(fd);
  note({Kind::write, file, offset, std::string(data)});
  write_at(file->cached, offset, data);
  written += data.size();
  return static_cast<ssize_t>(data.size());
}

ssize_t MemoryDisk::pread(int fd, char* data, std::size_t size, std::uint64_t offset) {
  if (counts_down(read_fails_in)) return -EIO;
  const std::string& bytes = open_.at(fd)->cached;
  if (offset >= bytes.size()) return 0;
  size = std::min<std::size_t>(size, bytes.size() - offset);
  std::memcpy(data, bytes.data() + offset, size);
  return static_cast<ssize_t>(size);
}

std::uint64_t MemoryDisk::allocated() const {
  std::uint64_t sum = 0;
  for (const auto& [path, file] : names_) sum += file->cached.size();
  return sum;
}

int MemoryDisk::allocate(int fd, std::uint64_t size) {
  if (refuses()) return -change_error;
  const std::uint64_t has = open_.at(fd)->cached.size();
  if (size <= has) return 0;
  if (allocated() + size - has > capacity) return -ENOSPC;
  resize(fd, size);
  return 0;
}

int MemoryDisk::truncate(int fd, std::uint64_t size) {
  if (refuses()) return -change_error;
  resize(fd, size);
  return 0;
}

void MemoryDisk::resize(int fd, std::uint64_t size) {
  const FileRef& file = open_.at(fd);
  note({Kind::size, file, size, {}});
  file->cached.resize(size);
}

int MemoryDisk::fdatasync(int fd) {
  if (sync_error != 0) return -sync_error;
  if (before_change) before_change();
  const FileRef& file = open_.at(fd);
  const bool fails = counts_down(sync_fails_in);
  file->has_lost |= fails;
  make_durable(file, !fails);
  if (fails) return -EIO;
  ++syncs;
  return 0;
}

void MemoryDisk::make_durable(const FileRef& file, bool writes) {
  if (!file->has_lost) file->durable = file->cached;
  std::erase_if(changes_, [&](const Change& change) {
    if (change.file != file) return false;
    if (change.kind == Kind::size && file->has_lost) file->durable.resize(change.offset);
    if (change.kind == Kind::write && file->has_lost && writes) {
      write_at(file->durable, change.offset, change.data);
    }
    return change.kind == Kind::write || change.kind == Kind::size;
  });
}

int MemoryDisk::sync_folder(int) {
  if (sync_error != 0) return -sync_error;
  if (counts_down(sync_fails_in)) return -EIO;
  if (before_change) before_change();
  std::erase_if(changes_, [](const Change& change) {
    return change.kind == Kind::link || change.kind == Kind::unlink;
  });
  durable_names_ = names_;
  return 0;
}

int MemoryDisk::remove(const std::string& path) {
  const auto found = names_.find(path);
  if (found == names_.end()) return -ENOENT;
  if (refuses()) return -change_error;
  note({Kind::unlink, found->second, 0, path});
  names_.erase(found);
  return 0;
}

int MemoryDisk::rename(const std::string& from, const std::string& to) {
  if (refuses()) return -change_error;
  const auto found = names_.find(from);
  if (found == names_.end()) return -ENOENT;
  note({Kind::link, found->second, 0, to});
  changes_.push_back({Kind::unlink, found->second, 0, from});
  names_[to] = found->second;
  names_.erase(from);
  return 0;
}

void MemoryDisk::settle(const Change& change) {
  switch (change.kind) {
    case Kind::write:  // what lies beyond a size that is not durable is not there either
      if (change.offset + change.data.size() <= change.file->durable.size()) {
        write_at(change.file->durable, change.offset, change.data);
      }
      break;
    case Kind::size:
      change.file->durable.resize(change.offset);
      break;
    case Kind::link:
      durable_names_[change.data] = change.file;
      break;
    case Kind::unlink:
      durable_names_.erase(change.data);
      break;
  }
}

// A sector that reached the disk holds all that was written to it until then, so from the newest
// write back: once one is kept, the older ones of that sector are.
void MemoryDisk::lose_power(std::mt19937_64& random, unsigned kept) {
  const auto lucky = [&random, kept] { return random() % 100 < kept; };
  std::set<std::pair<const File*, std::uint64_t>> reached;
  std::vector<std::vector<Change>> parts;  // newest first
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    auto& kept_parts = parts.emplace_back();
    std::string_view data = change->data;
    for (std::uint64_t at = change->offset; change->kind == Kind::write && !data.empty();) {
      const std::uint64_t sector = at / repl::kSectorBytes;
      const std::string_view part = data.substr(0, (sector + 1) * repl::kSectorBytes - at);
      const std::pair key{static_cast<const File*>(change->file.get()), sector};
      if (reached.contains(key) || lucky()) {
        reached.insert(key);
        kept_parts.push_back({Kind::write, change->file, at, std::string(part)});
      }
      at += part.size();
      data.remove_prefix(part.size());
    }
  }
  bool metadata = true;
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    if (changes_[i].kind != Kind::write && (metadata = metadata && lucky())) settle(changes_[i]);
    for (const Change& part : parts[changes_.size() - 1 - i]) settle(part);
  }
  changes_.clear();
  open_.clear();
  names_ = durable_names_;
  for (auto& [path, file] : names_) file->cached = file->durable;
}

std::string* MemoryDisk::content(const std::string& path) {
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : &found->second->cached;
}

}  // namespace tandemq::test
