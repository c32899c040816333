// What makes a journal shorter: truncate_after, reset, drop_through.
#include <algorithm>
#include <limits>

#include "broker/base/exit_code.h"
#include "replicator/journal/journal_impl.h"

namespace tandemq::repl {

// All written and durable, nothing under way: what the cuts below start from.
bool JournalImpl::settle() {
  flush();
  sync_now();
  return !failed_;
}

// Before records above `lsn` go, so that nobody misses them.
Status JournalImpl::note_durable(Lsn lsn) {
  const auto fault = note_.write(lsn, true);
  if (!fault) return Done{};
  if (fault->sync) return give_up(sync_failed(fault->path, fault->result));
  return give_up(refused("write", fault->path, fault->result));
}

Status JournalImpl::truncate_after(Lsn lsn, std::string* cut) {
  if (!settle()) return Error{"the journal has failed", kExitDamaged};
  if (lsn >= last_) return Done{};
  if (lsn + 1 < segments_.front().first) {
    return Error{"cannot cut the journal after record " + std::to_string(lsn) +
                 ": its oldest record is " + std::to_string(segments_.front().first)};
  }
  if (cut != nullptr) {
    const std::size_t all = std::numeric_limits<std::size_t>::max();
    const Result<Lsn> read_all = read(lsn + 1, all, *cut);
    if (!read_all) return read_all.error();
  }
  const std::size_t keep = segment_at(lsn + 1);
  std::uint64_t offset = kSegmentHeader;
  const auto at_cut = [&](const FrameView&, std::uint64_t at) { return offset = at, false; };
  Status found = walk(lsn + 1, 0, at_cut);
  if (!found) return found;
  Status done = note_durable(lsn);
  if (!done) return done;
  done = remove_from(keep + 1);
  if (done) done = cut_segment(segments_[keep], offset);
  if (!done) return give_up(done);
  forget_after(lsn);
  return Done{};
}

// Newest first, so that a crash on the way leaves a journal without a gap.
Status JournalImpl::remove_from(std::size_t segment) {
  while (segments_.size() > segment) {
    const std::string path = segments_.back().file->path;
    const int result = io_.remove(path);
    if (result < 0) return refused("remove", path, result);
    segments_.pop_back();
  }
  const int result = io_.sync_folder(folder_->fd);
  if (result < 0) return sync_failed(config_.dir, result);
  return Done{};
}

// Shortening the file and making it long again leaves zeros behind `offset`, whatever was there;
// that is one step for the file system, where writing zeros would be many.
Status JournalImpl::cut_segment(Segment& segment, std::uint64_t offset) {
  const std::string& path = segment.file->path;
  const int fd = segment.file->fd;
  const std::uint64_t size = std::max(config_.segment_bytes, offset);
  int result = io_.truncate(fd, offset);
  if (result < 0) return refused("cut", path, result);
  if ((result = io_.fdatasync(fd)) < 0) return sync_failed(path, result);
  if ((result = io_.allocate(fd, size)) < 0) return refused("cut", path, result);
  if ((result = io_.fdatasync(fd)) < 0) return sync_failed(path, result);
  segment.end = offset;
  segment.size = size;
  return Done{};
}

// Half cut it is neither the old journal nor the new one: what a crash on the way leaves as well,
// and a start copes with. A sync that failed has ended the process before.
Status JournalImpl::give_up(const Status& why) {
  loaded_ = false;
  stop("journal_cut_failed", config_.dir, why.error().message, kExitEnvironment);
  return why;
}

void JournalImpl::forget_after(Lsn lsn) {
  auto& index = segments_.back().index;
  while (!index.empty() && index.back().lsn > lsn) index.pop_back();
  while (!epochs_.empty() && epochs_.back().first > lsn) epochs_.pop_back();
  last_ = written_ = requested_ = reported_ = lsn;
  marked_ = std::min(marked_, lsn);
  worker_.set_synced(lsn);
  cursor_ = {};
  begin_at_end();
}

// The next batch goes behind what the newest segment holds.
void JournalImpl::begin_at_end() {
  const Segment& newest = segments_.back();
  next_segment_ = newest.first;
  next_offset_ = newest.end;
  indexed_offset_ = newest.index.empty() ? 0 : newest.index.back().offset;
  settled_until_ = 0;
  flushed_.clear();
  flushed_from_ = 0;
}

Status JournalImpl::reset(Lsn next) {
  if (!settle()) return Error{"the journal has failed", kExitDamaged};
  Status removed = note_durable(0);
  if (!removed) return removed;
  removed = remove_from(0);
  if (removed) {
    epochs_.clear();
    cursor_ = {};
    removed = create_first(next);
  }
  if (!removed) return give_up(removed);
  begin_at_end();
  return Done{};
}

void JournalImpl::drop_through(Lsn lsn, std::uint64_t bytes_kept) {
  SyncJob job;
  std::uint64_t bytes = figures().bytes;
  while (bytes > bytes_kept && segments_.size() > 1 && segments_[1].first <= lsn + 1) {
    bytes -= segments_.front().size;
    job.remove.push_back(std::move(segments_.front().file));
    segments_.pop_front();
  }
  if (job.remove.empty() || failed_) return;
  while (epochs_.size() > 1 && epochs_[1].first <= segments_.front().first) {
    epochs_.erase(epochs_.begin());
  }
  // A checkpoint may hold what is not synced yet: the oldest segment of a journal has to be durable
  // before those behind which it stood go.
  request_sync();
  worker_.post(std::move(job));
  if (!worker_.threaded()) worker_.wait();
}

}  // namespace tandemq::repl
