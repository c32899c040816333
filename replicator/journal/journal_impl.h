// The journal behind journal.h. Everything here belongs to the loop's thread; the sync worker gets
// shared references to open files and hands back one number.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/byte_buffer.h"
#include "replicator/journal/durable_note.h"
#include "replicator/journal/journal.h"
#include "replicator/journal/journal_io.h"
#include "replicator/journal/journal_scan.h"
#include "replicator/journal/journal_worker.h"

namespace tandemq::repl {

class JournalImpl final : public Journal {
 public:
  JournalImpl(const JournalConfig& config, event_base* base);
  ~JournalImpl() override;
  Status load();  // once, right after construction

  Lsn append(Epoch epoch, std::uint16_t kind, const ByteSource& body,
             std::uint8_t version) override;
  void append_frames(std::string_view frames, Lsn first, Lsn last) override;
  std::string_view pending() const override;
  Lsn flush() override;
  std::string_view flushed() const override;
  void request_sync() override;
  void sync_now() override;
  Result<Lsn> read(Lsn from, std::size_t max_bytes, std::string& out) override;
  Epoch epoch_at(Lsn lsn) override;
  Status truncate_after(Lsn lsn, std::string* cut) override;
  Status reset(Lsn next) override;
  void drop_through(Lsn lsn, std::uint64_t bytes_kept) override;
  JournalFigures figures() const override;
  std::string tail_note() const override { return tail_note_; }

 private:
  struct Segment {
    JournalFileRef file;
    Lsn first = 0;
    std::uint64_t salt = 0;
    std::uint64_t end = kSegmentHeader;  // behind what is written
    std::uint64_t size = 0;              // of the file
    std::vector<IndexEntry> index;
  };
  // At `at` in the buffer, which is where record `first` begins, a new segment begins; or, when
  // the newest segment begins with that record already, it grows.
  struct Roll {
    std::size_t at = 0;
    Lsn first = 0;
    std::uint64_t size = 0;
  };
  struct Place {  // of an index entry made while buffering
    Lsn first_of_segment = 0;
    IndexEntry entry;
  };

  // journal_open.cpp
  Status lock_folder();
  Status adopt(const JournalScan& scan);
  Status remove_behind(Lsn first);
  Status open_segment(const FoundSegment& found);
  Status create_first(Lsn next);
  int write_new_segment(const std::string& path, Lsn first, std::uint64_t size, Segment& made);
  // journal.cpp
  bool goes_on(std::size_t length, Epoch epoch);
  void place(std::size_t length, Epoch epoch, Lsn lsn);
  void start_batch();
  bool write_buffer();
  void take_as_written();
  bool write_piece(std::string_view piece);
  bool roll(const Roll& roll);
  void on_worker_done();
  bool write_failed(const std::string& path, int result);  // false
  void fail(const IoFault& fault);
  void stop(const char* event, const std::string& file, const std::string& error, int code);
  // journal_read.cpp
  std::size_t segment_at(Lsn lsn) const;
  std::uint64_t offset_before(std::size_t segment, Lsn lsn) const;
  // Calls visit(frame, offset) for held records from `from` on until it returns false.
  using Visit = std::function<bool(const FrameView& frame, std::uint64_t offset)>;
  Status walk(Lsn from, std::size_t chunk, const Visit& visit);
  // journal_cut.cpp
  bool settle();
  Status note_durable(Lsn lsn);
  Status cut_segment(Segment& segment, std::uint64_t offset);
  Status remove_from(std::size_t segment);
  Status give_up(const Status& why);
  Status sync_failed(const std::string& path, int result);  // ends the process
  void forget_after(Lsn lsn);
  void begin_at_end();

  const JournalConfig config_;
  JournalIo& io_;
  JournalFileRef folder_;  // holds the lock
  std::atomic<bool> failed_ = false;
  DurableNote note_;  // written by the worker, and by this thread while the worker is at rest
  SyncWorker worker_;

  bool loaded_ = false;
  std::deque<Segment> segments_;  // never empty when loaded
  std::vector<EpochRange> epochs_;
  Lsn last_ = 0;       // appended
  Lsn written_ = 0;    // in the page cache
  Lsn requested_ = 0;  // given to the worker
  Lsn reported_ = 0;   // on_synced was called with it
  Lsn marked_ = 0;     // the file says that it is durable

  // The batch: a sync mark perhaps, then frames.
  ByteBuffer buffer_;
  std::size_t frames_from_ = 0;  // where the frames begin in it
  ByteBuffer flushed_;           // the batch before
  std::size_t flushed_from_ = 0;
  std::vector<Roll> rolls_;
  std::vector<Place> places_;
  std::uint64_t next_offset_ = 0;     // where the next frame goes in its segment
  std::uint64_t settled_until_ = 0;   // what ends before it needs no place(); 0: all does
  std::uint64_t indexed_offset_ = 0;  // last index entry of that segment
  Lsn next_segment_ = 0;              // first LSN of that segment

  std::vector<JournalFileRef> unsynced_;  // written since the last request
  bool folder_unsynced_ = false;

  struct Cursor {  // where the last read() ended
    Lsn next = 0;
    std::uint64_t offset = 0;
  } cursor_;
  std::string scratch_;
  std::uint64_t torn_bytes_cut_ = 0;
  std::string tail_note_;
};

}  // namespace tandemq::repl
