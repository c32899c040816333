// The one thread that waits for the disk: fdatasync of segments in the order in which they were
// written, then removal of segments that nobody needs.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "broker/base/ids.h"
#include "replicator/journal/durable_note.h"
#include "replicator/journal/journal_io.h"

struct event_base;
struct event;

namespace tandemq::repl {

struct SyncJob {
  std::vector<JournalFileRef> files;  // written since they were last synced, oldest first
  bool folder = false;                // a segment was created
  Lsn upto = 0;                       // what is durable afterwards
  std::vector<JournalFileRef> remove;

  bool empty() const { return files.empty() && !folder && remove.empty() && upto == 0; }
};

struct SyncFigures {
  Lsn synced = 0;
  std::uint64_t syncs_total = 0;
  std::uint64_t sync_us_last = 0;
};

class SyncWorker {
 public:
  // `failed` is called at most once, on whichever thread it happens; nothing is
  // synced or reported afterwards.
  using Failed = std::function<void(const IoFault& fault)>;
  // `folder` is open before the first job. `base` null: no thread, jobs run inside wait(). `done`
  // is called on the loop after syncs.
  SyncWorker(JournalIo& io, const JournalFileRef& folder, DurableNote& note, event_base* base,
             Failed failed, std::function<void()> done);
  ~SyncWorker();
  SyncWorker(const SyncWorker&) = delete;
  SyncWorker& operator=(const SyncWorker&) = delete;

  // Merged with a job that has not been taken up yet.
  void post(SyncJob job);
  // Returns when all that was posted is done. False after a failure.
  bool wait();
  SyncFigures figures() const;
  bool threaded() const { return thread_.joinable(); }
  // Sets what is known to be durable without a sync (after open, a cut, a reset).
  void set_synced(Lsn lsn);

 private:
  static void on_wakeup(int fd, short what, void* self);
  void run();
  void work(const SyncJob& job);
  bool sync(const SyncJob& job);
  bool remove(const SyncJob& job);
  bool fail(const IoFault& fault);  // false

  JournalIo& io_;
  const JournalFileRef& folder_;
  DurableNote& note_;
  const Failed report_failed_;
  const std::function<void()> done_;
  int wakeup_fd_ = -1;
  event* wakeup_ = nullptr;
  std::atomic<bool> failed_ = false;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  SyncJob next_;  // guarded by mutex_, as are the following
  bool busy_ = false;
  bool stopping_ = false;
  SyncFigures figures_;
  std::thread thread_;
};

}  // namespace tandemq::repl
