// The checkpoint: the durable rows of core::State (broker/core/rows.h) at one LSN, in an SQLite
// file, so that the journal before that LSN may go. docs/checkpoint-format.md is the table layout.
//
// A worker thread folds committed journal records into the file, in transactions that carry their
// LSN; core::State is never asked. The loop only hands over journal bytes, in slices. The file is
// always at exactly one LSN: either the one before a fold or the one after it.
//
// Recovery: checkpoint_prepare, checkpoint_load into an empty State, then the journal from
// meta.lsn + 1 through State::apply_encoded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/base/exit_code.h"
#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "broker/core/state.h"

struct event_base;

namespace tandemq::broker {

// Error::code of everything below; the message says where and what to do.
constexpr int kCheckpointForeign = kExitConfiguration;  // of another pair, or of a newer program
constexpr int kCheckpointIo = kExitEnvironment;   // the disk is full, no permission, I/O error
constexpr int kCheckpointDamaged = kExitDamaged;  // pair: checkpoint_set_aside and resync
constexpr int kCheckpointStopped = 5;             // abandon() or the destructor came first

// A file that is made anew has this behind its name until it is whole.
constexpr const char* kRemadeSuffix = ".remade";

// Of the file, and so of a snapshot: the newest one. A file has the older one until there is a user
// or role to keep, which no node writes before its peer reads both.
constexpr std::uint16_t kCheckpointFormat = 2;

struct CheckpointConfig {
  std::string path;                    // "DATA/checkpoint.db"; SQLite adds -wal and -shm
  std::string pair_id;                 // stored in the file, must be equal later
  std::size_t slice_bytes = 64 << 10;  // journal read on the loop at once
  // A transaction ends when it has folded so much journal, or when what it has to write takes so
  // much memory. Longer is less to write: more is acknowledged within it.
  std::uint64_t window_bytes = 256ull << 20;
  std::size_t memory_bytes = 32u << 20;
  std::uint64_t spare_bytes = 0;  // of the disk, to be left free by a copy of the file
};

struct CheckpointRows {
  std::uint64_t sessions = 0, subscriptions = 0, messages = 0, deliveries = 0, inbound = 0,
                retained = 0, wills = 0, accounts = 0;
  std::uint64_t total() const {
    return sessions + subscriptions + messages + deliveries + inbound + retained + wills + accounts;
  }
};

struct CheckpointInfo {
  core::MetaRow meta;  // lsn 0: a new, empty checkpoint
  CheckpointRows rows;
  std::uint64_t bytes = 0;  // of the file
};

struct CheckpointProgress {
  std::uint64_t rows_done = 0, rows_total = 0;
  double seconds = 0;
};

// Creates the file when missing and reads its head. Says nothing about the rows: loading checks
// every one of them.
Result<CheckpointInfo> checkpoint_prepare(const CheckpointConfig& config);

// Reads the head of an existing file, whatever pair it is of (tools, `status`).
Result<CheckpointInfo> checkpoint_inspect(const std::string& path);

// Fills `state`, which is empty, in one read transaction and checks each row's checksum, the
// references between rows and the counts. `progress` (may be empty) is called about twice a second.
// After an error `state` is in pieces: clear() it.
Result<CheckpointInfo> checkpoint_load(
    const CheckpointConfig& config, core::State& state,
    const std::function<void(const CheckpointProgress&)>& progress);

// Renames a damaged checkpoint out of the way (FILE.damaged-1, -2, ...), for the operator to look
// at; a new one starts empty. Returns the new name.
Result<std::string> checkpoint_set_aside(const CheckpointConfig& config);

// Replaces the checkpoint by the snapshot `file` (same file system; moved, not copied): checked
// whole, of this pair, at exactly `lsn`, synced, renamed, folder synced. No Checkpointer may be
// open on the path, or it must be idle after abandon(). The old checkpoint stays when this fails.
// `progress` as of checkpoint_load.
Result<CheckpointInfo> checkpoint_install(
    const CheckpointConfig& config, const std::string& file, Lsn lsn,
    const std::function<void(const CheckpointProgress&)>& progress);

struct CheckpointFigures {
  Lsn lsn = 0;  // of the file
  CheckpointRows rows;
  std::uint64_t bytes = 0;  // file and its write-ahead log
  bool running = false;
  std::uint64_t folds_total = 0;  // successful start()s
  std::uint64_t failures_total = 0;
  double last_seconds = 0;              // of the last successful start()
  std::uint64_t last_records = 0;       // journal records folded by it
  std::uint64_t last_rows_written = 0;  // rows inserted, changed or deleted by it
  std::uint64_t slices_total = 0;       // journal reads on the loop
  std::uint64_t slice_us_max = 0;       // longest of them: what the loop paid at once
};

struct CheckpointSnapshot {
  std::string path;
  Lsn lsn = 0;
  std::uint64_t bytes = 0;
};

// All calls and all callbacks on the loop; no callback from inside a call.
class Checkpointer {
 public:
  // Replicator::read_journal: frames from `from` on, whole ones, at most bytes_max but at least
  // one, appended to `out`; the last LSN read. Called on the loop.
  using JournalReader =
      std::function<Result<Lsn>(Lsn from, std::size_t bytes_max, std::string& out)>;

  // The file was prepared. Starts the worker thread.
  static Result<std::unique_ptr<Checkpointer>> open(event_base* base,
                                                    const CheckpointConfig& config,
                                                    JournalReader read);
  virtual ~Checkpointer() = default;  // abandons what runs; waits for the worker

  // Folds everything up to `up_to`, which is committed and in the journal. `done` gets the LSN
  // that is durable from now on: journal before it may go. After an error the file is at the LSN
  // in figures(), which can be later than before (large folds commit in windows); try again later.
  virtual void start(Lsn up_to, std::function<void(Result<Lsn>)> done) = 0;

  // Writes a consistent copy of the file, at its LSN, to `path` (must not exist; the caller
  // deletes it). Waits its turn behind a running start().
  virtual void make_snapshot(const std::string& path,
                             std::function<void(Result<CheckpointSnapshot>)> done) = 0;

  // Makes the file anew from the state, whatever became of the old one: the loop copies the rows,
  // the thread writes them. `state` is at a record that is in the journal; `done` gets its LSN.
  virtual void remake(const core::State& state, std::function<void(Result<Lsn>)> done) = 0;

  // Ends what runs and waits for it (it blocks: for changes of history only); pending callbacks
  // are called with kCheckpointStopped before it returns. The file is closed until the next
  // start() or make_snapshot(), so that checkpoint_install or checkpoint_load may have it.
  virtual void abandon() = 0;

  virtual CheckpointFigures figures() const = 0;
};

}  // namespace tandemq::broker
