// Journal::open: lock, scan, cut a torn tail, open what is left; and how segments are made.
#include <fcntl.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#include "broker/base/exit_code.h"
#include "replicator/journal/journal_impl.h"

namespace tandemq::repl {
namespace {

constexpr const char* kNewSegment = "/new.tmp";  // until it is whole

std::uint64_t draw_salt() {
  std::uint64_t salt = 0;
  while (salt == 0) {
    if (::getrandom(&salt, sizeof salt, 0) != sizeof salt) salt = 0;
  }
  return salt;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const JournalConfig& config, event_base* base) {
  JournalIo& io = config.io != nullptr ? *config.io : JournalIo::system();
  const int made = io.make_folder(config.dir);
  if (made < 0) return refused("create the journal folder", config.dir, made);
  auto journal = std::make_unique<JournalImpl>(config, base);
  Status loaded = journal->load();
  if (!loaded) return loaded.error();
  return std::unique_ptr<Journal>(std::move(journal));
}

Status JournalImpl::load() {
  Status locked = lock_folder();
  if (!locked) return locked;
  Result<JournalScan> scan = scan_journal(io_, config_.dir, nullptr);
  if (!scan) return scan.error();
  Status adopted = adopt(*scan);
  if (!adopted) return adopted;
  written_ = last_;
  begin_at_end();
  loaded_ = true;
  return Done{};
}

Status JournalImpl::lock_folder() {
  const int fd = io_.open(config_.dir, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return refused("open the journal folder", config_.dir, fd);
  folder_ = std::make_shared<JournalFile>(io_, config_.dir, fd);
  const int locked = io_.lock(fd);
  if (locked == 0) return Done{};
  if (locked != -EWOULDBLOCK) return refused("lock", config_.dir, locked);
  return Error{
      "the journal folder " + config_.dir + " is in use by another process; stop that one first",
      kExitEnvironment};
}

// The kernel tells of it once: a later sync would succeed without what this one lacks, and a start
// would take for durable what the disk does not have. So nothing follows, not even another start.
Status JournalImpl::sync_failed(const std::string& path, int result) {
  fail({true, path, result});
  return refused("sync", path, result);
}

Status JournalImpl::adopt(const JournalScan& scan) {
  io_.remove(config_.dir + kNewSegment);  // left by a crash while it was made
  if (scan.segments.empty()) return create_first(1);
  if (scan.torn) {
    torn_bytes_cut_ = scan.torn->bytes;
    tail_note_ = scan.torn->note;
    Status removed = remove_behind(scan.segments.back().first);
    if (!removed) return removed;
  }
  for (const FoundSegment& found : scan.segments) {
    Status opened = open_segment(found);
    if (!opened) return opened;
  }
  epochs_ = scan.epochs;
  last_ = scan.last;
  Segment& newest = segments_.back();
  if (scan.torn || newest.size < config_.segment_bytes) {
    Status cut = cut_segment(newest, newest.end);
    if (!cut) return cut;
  }
  // A crash may have left written records unsynced, in any segment; from here on all are durable.
  for (const Segment& segment : segments_) {
    const int result = io_.fdatasync(segment.file->fd);
    if (result < 0) return sync_failed(segment.file->path, result);
  }
  if (const auto fault = note_.write(last_, true)) {
    return fault->sync ? sync_failed(fault->path, fault->result)
                       : refused("write", fault->path, fault->result);
  }
  const int result = io_.sync_folder(folder_->fd);
  if (result < 0) return sync_failed(config_.dir, result);
  marked_ = scan.marked;
  requested_ = reported_ = last_;
  worker_.set_synced(last_);
  return Done{};
}

// Files of segments that begin behind `first`, newest first, so that a crash on the way leaves a
// journal without a gap.
Status JournalImpl::remove_behind(Lsn first) {
  std::vector<std::string> names;
  const int listed = io_.list(config_.dir, names);
  if (listed < 0) return refused("list", config_.dir, listed);
  std::vector<Lsn> behind;
  for (const std::string& name : names) {
    const Lsn found = segment_of_name(name);
    if (found > first) behind.push_back(found);
  }
  std::sort(behind.rbegin(), behind.rend());
  for (const Lsn lsn : behind) {
    const std::string path = config_.dir + "/" + segment_name(lsn);
    const int result = io_.remove(path);
    if (result < 0) return refused("remove", path, result);
  }
  const int result = io_.sync_folder(folder_->fd);
  if (result < 0) return sync_failed(config_.dir, result);
  return Done{};
}

Status JournalImpl::open_segment(const FoundSegment& found) {
  const int fd = io_.open(found.path, O_RDWR);
  if (fd < 0) return refused("open", found.path, fd);
  segments_.push_back({std::make_shared<JournalFile>(io_, found.path, fd), found.first, found.salt,
                       found.end, found.size, found.index});
  return Done{};
}

// The first segment of a journal is whole and durable before it has its name.
Status JournalImpl::create_first(Lsn next) {
  const std::string temporary = config_.dir + kNewSegment;
  const std::string path = config_.dir + "/" + segment_name(next);
  Segment made;
  last_ = written_ = requested_ = reported_ = marked_ = next - 1;
  worker_.set_synced(last_);
  int result = write_new_segment(temporary, next, config_.segment_bytes, made);
  if (result < 0) return refused("write", temporary, result);
  if ((result = io_.fdatasync(made.file->fd)) < 0) return sync_failed(temporary, result);
  if ((result = io_.rename(temporary, path)) < 0) return refused("rename", temporary, result);
  if ((result = io_.sync_folder(folder_->fd)) < 0) return sync_failed(config_.dir, result);
  made.file = nullptr;
  const int fd = io_.open(path, O_RDWR);
  if (fd < 0) return refused("open", path, fd);
  made.file = std::make_shared<JournalFile>(io_, path, fd);
  segments_.clear();
  segments_.push_back(std::move(made));
  return Done{};
}

int JournalImpl::write_new_segment(const std::string& path, Lsn first, std::uint64_t size,
                                   Segment& made) {
  const int fd = io_.open(path, O_RDWR | O_CREAT | O_TRUNC);
  if (fd < 0) return fd;
  made = {
      std::make_shared<JournalFile>(io_, path, fd), first, draw_salt(), kSegmentHeader, size, {}};
  const int allocated = io_.allocate(fd, size);
  if (allocated < 0) return allocated;
  const Lsn synced = std::min(worker_.figures().synced, first - 1);
  return write_all(io_, fd, encode_segment_header({first, synced, made.salt}), 0);
}

}  // namespace tandemq::repl
