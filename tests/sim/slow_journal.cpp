#include "tests/sim/slow_journal.h"

#include <algorithm>
#include <utility>

namespace tandemq::sim {

void SlowJournal::wait_for_disk(TimeUs at_most) {
  process_.stand_still(disk_time(kept_, clock_, random_, at_most));
}

void SlowJournal::request_sync() {
  wanted_ = journal_->figures().written;
  if (syncing_ == 0) start_sync();
}

void SlowJournal::start_sync() {
  syncing_ = std::exchange(wanted_, 0);
  clock_.after(disk_time(kept_, clock_, random_, kept_.sync_max), [this, alive = alive_] {
    if (*alive) finish_sync();
  });
}

// The worker's: also while the loop stands still, but not in a process that is stopped.
void SlowJournal::finish_sync() {
  if (process_.stopped()) {
    clock_.after(5 * kMs, [this, alive = alive_] {
      if (*alive) finish_sync();
    });
    return;
  }
  if (!kept_.forgets_syncs) journal_->sync_now();
  if (*failed_) return;
  for (const auto& [lsn, kept] : std::exchange(drops_, {})) journal_->drop_through(lsn, kept);
  // The journal may have been cut meanwhile.
  const Lsn synced = std::min(std::exchange(syncing_, 0), journal_->figures().written);
  process_.post([this, synced] {
    if (on_synced) on_synced(std::min(synced, journal_->figures().written));
  });
  if (*alive_ && wanted_ != 0) start_sync();
}

void SlowJournal::drop_through(Lsn lsn, std::uint64_t bytes_kept) {
  if (syncing_ == 0) return journal_->drop_through(lsn, bytes_kept);
  drops_.emplace_back(lsn, bytes_kept);
}

void SlowJournal::sync_now() {
  wait_for_disk(kept_.sync_max);
  journal_->sync_now();
}

Status SlowJournal::truncate_after(Lsn lsn, std::string* cut) {
  wait_for_disk(kept_.durable_max);
  return journal_->truncate_after(lsn, cut);
}

Status SlowJournal::reset(Lsn next) {
  wait_for_disk(kept_.durable_max);
  return journal_->reset(next);
}

}  // namespace tandemq::sim
