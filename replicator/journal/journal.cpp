// The write path: buffer, one write, and the hand-over to the sync worker.
#include "replicator/journal/journal.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "broker/base/bytes.h"
#include "broker/base/check.h"
#include "broker/base/exit_code.h"
#include "broker/base/last_words.h"
#include "replicator/core/frame_write.h"
#include "replicator/journal/journal_impl.h"

namespace tandemq::repl {

JournalImpl::JournalImpl(const JournalConfig& config, event_base* base)
    : config_(config),
      io_(config.io != nullptr ? *config.io : JournalIo::system()),
      note_(io_, config.dir),
      worker_(
          io_, folder_, note_, base, [this](const IoFault& fault) { fail(fault); },
          [this] { on_worker_done(); }) {}

JournalImpl::~JournalImpl() {
  if (!loaded_) return;
  flush();
  sync_now();
  if (failed_ || marked_ >= last_) return;
  std::string mark;
  write_sync_mark(mark, segments_.back().salt, last_);
  Segment& newest = segments_.back();
  if (newest.end + mark.size() > newest.size) return;
  if (write_all(io_, newest.file->fd, mark, newest.end) == 0) io_.fdatasync(newest.file->fd);
  note_.write(last_, true);
}

Lsn JournalImpl::append(Epoch epoch, std::uint16_t kind, const ByteSource& body,
                        std::uint8_t version) {
  const std::size_t length = kFrameHeader + body.size();
  if (!goes_on(length, epoch)) place(length, epoch, last_ + 1);
  write_frame_at(buffer_.extend(length), epoch, ++last_, kind, body, version);
  return last_;
}

// Copies run by run; a run ends where place() has something to settle.
void JournalImpl::append_frames(std::string_view frames, Lsn first, Lsn last) {
  TMQ_CHECK(first == last_ + 1 && last >= last_);
  std::size_t copied = 0;
  std::size_t at = 0;
  while (at < frames.size()) {
    const FrameView frame = checked_frame(frames.substr(at));
    TMQ_CHECK(frame.lsn == last_ + 1);
    if (!goes_on(frame.bytes.size(), frame.epoch)) {
      buffer_.append(frames.substr(copied, at - copied));
      copied = at;
      place(frame.bytes.size(), frame.epoch, frame.lsn);
    }
    at += frame.bytes.size();
    ++last_;
  }
  buffer_.append(frames.substr(copied));
  TMQ_CHECK(last_ == last);
}

// Most frames go where the one before ended, and nothing else is to be noted.
bool JournalImpl::goes_on(std::size_t length, Epoch epoch) {
  const std::uint64_t end = next_offset_ + length;
  if (end > settled_until_ || epoch != epochs_.back().epoch) return false;
  next_offset_ = end;
  return true;
}

// Settles in which segment and where the next frame goes.
void JournalImpl::place(std::size_t length, Epoch epoch, Lsn lsn) {
  TMQ_CHECK(length <= kFrameMax);
  TMQ_CHECK(epochs_.empty() || epoch >= epochs_.back().epoch);
  if (buffer_.empty()) start_batch();
  const std::uint64_t size = rolls_.empty() ? segments_.back().size : rolls_.back().size;
  if (next_segment_ == lsn) {  // an empty segment grows for a long record
    const std::uint64_t needed = next_offset_ + length;
    if (needed > size) rolls_.push_back({buffer_.size(), lsn, needed});
  } else if (next_offset_ + length > std::min(size, config_.segment_bytes)) {
    const std::uint64_t needed = kSegmentHeader + length;
    rolls_.push_back({buffer_.size(), lsn, std::max(config_.segment_bytes, needed)});
    next_segment_ = lsn;
    next_offset_ = kSegmentHeader;
    indexed_offset_ = 0;
  }
  if (indexed_offset_ == 0 || next_offset_ - indexed_offset_ >= kIndexStep) {
    places_.push_back({next_segment_, {lsn, next_offset_}});
    indexed_offset_ = next_offset_;
  }
  if (epochs_.empty() || epochs_.back().epoch != epoch) epochs_.push_back({lsn, epoch});
  next_offset_ += length;
  settled_until_ =
      rolls_.empty() ? std::min({size, config_.segment_bytes, indexed_offset_ + kIndexStep}) : 0;
}

// A batch begins with a sync mark when more is durable than the file says so far.
void JournalImpl::start_batch() {
  const Lsn synced = worker_.figures().synced;
  if (synced > marked_ && next_offset_ + kFrameHeader <= segments_.back().size) {
    std::string mark;
    write_sync_mark(mark, segments_.back().salt, synced);
    buffer_.append(mark);
    next_offset_ += mark.size();
    marked_ = synced;
  }
  frames_from_ = buffer_.size();
}

std::string_view JournalImpl::pending() const {
  return buffer_.view().substr(buffer_.empty() ? 0 : frames_from_);
}

std::string_view JournalImpl::flushed() const {
  return flushed_.view().substr(flushed_from_);
}

Lsn JournalImpl::flush() {
  if (!buffer_.empty() && !failed_ && write_buffer()) take_as_written();
  return written_;
}

bool JournalImpl::write_buffer() {
  const std::string_view batch = buffer_.view();
  std::size_t done = 0;
  for (const Roll& next : rolls_) {
    if (!write_piece(batch.substr(done, next.at - done)) || !roll(next)) return false;
    done = next.at;
  }
  return write_piece(batch.substr(done));
}

void JournalImpl::take_as_written() {
  for (const Place& place : places_) {
    segments_[segment_at(place.first_of_segment)].index.push_back(place.entry);
  }
  buffer_.swap(flushed_);
  flushed_from_ = frames_from_;
  buffer_.clear();
  rolls_.clear();
  places_.clear();
  frames_from_ = 0;
  settled_until_ = 0;
  written_ = last_;
}

bool JournalImpl::write_piece(std::string_view piece) {
  if (piece.empty()) return true;
  Segment& newest = segments_.back();
  const int result = write_all(io_, newest.file->fd, piece, newest.end);
  if (result < 0) return write_failed(newest.file->path, result);
  newest.end += piece.size();
  if (unsynced_.empty() || unsynced_.back() != newest.file) unsynced_.push_back(newest.file);
  return true;
}

// The new file gets its name at once; its header and name become durable with the next sync, before
// anything in it counts as durable.
bool JournalImpl::roll(const Roll& roll) {
  Segment& newest = segments_.back();
  if (newest.first == roll.first) {
    const int grown = io_.allocate(newest.file->fd, roll.size);
    if (grown < 0) return write_failed(newest.file->path, grown);
    newest.size = roll.size;
    return true;
  }
  const std::string path = config_.dir + "/" + segment_name(roll.first);
  Segment made;
  const int result = write_new_segment(path, roll.first, roll.size, made);
  if (result < 0) return write_failed(path, result);
  segments_.push_back(std::move(made));
  unsynced_.push_back(segments_.back().file);
  folder_unsynced_ = true;
  return true;
}

void JournalImpl::request_sync() {
  if (failed_ || requested_ == written_) return;
  requested_ = written_;
  worker_.post(
      {std::exchange(unsynced_, {}), std::exchange(folder_unsynced_, false), written_, {}});
}

void JournalImpl::sync_now() {
  request_sync();
  worker_.wait();
}

void JournalImpl::on_worker_done() {
  const Lsn synced = worker_.figures().synced;
  if (failed_ || synced <= reported_) return;
  reported_ = synced;
  if (on_synced) on_synced(synced);
}

// A sync that is under way may fail as well, and of that only who waits for it hears.
bool JournalImpl::write_failed(const std::string& path, int result) {
  worker_.wait();
  fail({false, path, result});
  return false;
}

// What could not be written was told to nobody, and a start cuts it off: when the host has room,
// descriptors or its disk again, that is all it takes.
void JournalImpl::fail(const IoFault& fault) {
  stop(fault.sync ? "journal_sync_failed" : "journal_write_failed", fault.path,
       io_error(fault.result), fault.sync ? kExitDamaged : kExitEnvironment);
}

void JournalImpl::stop(const char* event, const std::string& file, const std::string& error,
                       int code) {
  if (failed_.exchange(true)) return;
  const std::string line = std::string("level=fatal event=") + event + " file=" + file +
                           " error=\"" + error + "\" action=\"stopping; the peer takes over\"";
  if (config_.on_fatal) return config_.on_fatal(line, code);
  last_words(line);
  ::_exit(code);
}

JournalFigures JournalImpl::figures() const {
  const SyncFigures sync = worker_.figures();
  JournalFigures figures;
  figures.first = last_ >= segments_.front().first ? segments_.front().first : 0;
  figures.last = last_;
  figures.written = written_;
  figures.synced = sync.synced;
  figures.segments = segments_.size();
  for (const Segment& segment : segments_) figures.bytes += segment.size;
  figures.syncs_total = sync.syncs_total;
  figures.sync_us_last = sync.sync_us_last;
  figures.torn_bytes_cut = torn_bytes_cut_;
  return figures;
}

}  // namespace tandemq::repl
