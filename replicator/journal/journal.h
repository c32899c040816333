// The write-ahead journal of one node: segment files of frames (replicator/core/frame.h) in one
// folder, written by the loop, synced by one worker thread.
//
// append() only buffers; flush() writes the buffer with one write() into the page cache;
// request_sync() asks the worker for fdatasync, whose completion is reported through
// `on_synced` on the loop. One write path, one sync path. A failed write or sync stops the process
// (the tail is unknown, writing on could acknowledge what is not there).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "replicator/core/frame.h"

struct event_base;

namespace tandemq::repl {

class JournalIo;

struct JournalConfig {
  std::string dir;                         // created when missing, mode 0750
  std::uint64_t segment_bytes = 64 << 20;  // preallocated; a longer record gets a longer segment
  // A write or sync failed: called once, on the loop or the worker thread, with the log line and
  // the exit code: kExitEnvironment where a start may heal it, kExitDamaged after a sync. By
  // default it prints the line and ends the process. When it returns (tests), the journal writes
  // nothing any more and reports nothing as synced.
  std::function<void(const std::string& line, int code)> on_fatal;
  JournalIo* io = nullptr;  // file system to use, null: the real one (tests)
};

struct JournalFigures {
  Lsn first = 0;  // oldest record held (0: empty)
  Lsn last = 0;
  Lsn written = 0;  // in the page cache
  Lsn synced = 0;
  std::uint64_t segments = 0;
  std::uint64_t bytes = 0;  // of the files, preallocated space included
  std::uint64_t syncs_total = 0;
  std::uint64_t sync_us_last = 0;
  std::uint64_t torn_bytes_cut = 0;  // at the last open
};

class Journal {
 public:
  // Opens and checks all segments. A torn tail is cut; damage before the tail is an error that
  // names file and offset (the node must not serve from it: resync from the peer). Error codes: 4
  // damaged data, 3 folder not usable or in use by another process.
  // `base` may be null (tools, tests): then sync is done by sync_now() only.
  static Result<std::unique_ptr<Journal>> open(const JournalConfig& config, event_base* base);
  // In good order: writes what is buffered, syncs, and marks all as durable.
  virtual ~Journal() = default;

  // Buffers one record; lsn is last()+1. Returns its LSN.
  virtual Lsn append(Epoch epoch, std::uint16_t kind, const ByteSource& body,
                     std::uint8_t version = kRecordVersion) = 0;
  // Buffers frames made by another node, already checked; they must continue last().
  virtual void append_frames(std::string_view frames, Lsn first, Lsn last) = 0;
  // The frames appended since the last flush (valid until then): what goes to the peer as well.
  virtual std::string_view pending() const = 0;
  // Returns the last record that is in the page cache now: not the last appended one once it has
  // failed.
  virtual Lsn flush() = 0;
  // The frames that the last flush has written (valid until the next one).
  virtual std::string_view flushed() const = 0;

  // Asks the worker to sync what is written; coalesces. on_synced(lsn) is called on the loop. Does
  // nothing when all is synced already, or without a loop.
  virtual void request_sync() = 0;
  // Syncs what is written and waits for it; on_synced is still called later, from the loop.
  virtual void sync_now() = 0;
  std::function<void(Lsn)> on_synced;

  // Reads frames from `from` on into `out` (appended), whole frames, at most `max_bytes` but at
  // least one. Returns the last LSN read, from-1 when there is none. Used by catch-up and recovery.
  // Sees what is flushed. An error: `from` is older than the journal, or the disk lost a record.
  virtual Result<Lsn> read(Lsn from, std::size_t max_bytes, std::string& out) = 0;
  // Epoch of a held record, 0 when not held.
  virtual Epoch epoch_at(Lsn lsn) = 0;

  // Cuts all records after `lsn` (a returning node), durably. Frames cut are appended to `cut` if
  // not null. Like reset, waits for the disk. An error before the cut leaves the journal as it was;
  // one on the disk in the middle is fatal (on_fatal), in reset too.
  virtual Status truncate_after(Lsn lsn, std::string* cut) = 0;
  // Forgets everything; the next record is `next` (before a snapshot is installed).
  virtual Status reset(Lsn next) = 0;
  // Deletes segments that hold only records up to `lsn`, oldest first, for as long as the files are
  // larger than `bytes_kept`.
  virtual void drop_through(Lsn lsn, std::uint64_t bytes_kept) = 0;

  virtual JournalFigures figures() const = 0;
  // What open() cut and where, as a sentence; empty when the end was clean.
  virtual std::string tail_note() const = 0;
};

}  // namespace tandemq::repl
