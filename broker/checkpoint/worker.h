// The checkpoint's thread: takes jobs from the hand-over, folds, copies. Low priority, all signals
// blocked.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "broker/checkpoint/checkpoint.h"
#include "broker/checkpoint/fold.h"
#include "broker/checkpoint/handover.h"
#include "broker/checkpoint/store.h"

namespace tandemq::broker::checkpoint {

class Worker {
 public:
  // `hand_over` outlives the worker. `info` is the file's as it was prepared.
  Worker(const CheckpointConfig& config, const CheckpointInfo& info, HandOver& hand_over);
  // After hand_over.end_thread().
  ~Worker();

 private:
  void run();
  Status open_store();
  Result<Lsn> fold(const FoldJob& job);
  Result<Lsn> fold_windows(Lsn up_to);
  Status fold_window(Lsn up_to);
  Status fill(Fold& fold, Lsn up_to);
  Result<CheckpointSnapshot> snapshot(const SnapshotJob& job);
  Result<Lsn> remake(const RemakeJob& job);
  Status write_whole(const CheckpointConfig& target, const Fold& whole);
  Status room_for_copy() const;
  void publish();

  const CheckpointConfig config_;
  HandOver& hand_over_;
  std::unique_ptr<Store> store_;  // null: closed
  CheckpointFigures figures_;
  std::uint64_t records_ = 0, rows_written_ = 0;  // of the fold that runs
  std::string slice_;                             // being folded
  std::size_t slice_used_ = 0;
  std::thread thread_;
};

}  // namespace tandemq::broker::checkpoint
