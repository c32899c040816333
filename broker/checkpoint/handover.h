// What passes between the loop and the checkpoint's worker: jobs and journal slices one way,
// results and figures the other. One mutex; neither side holds it while it works.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/checkpoint/checkpoint.h"

namespace tandemq::broker::checkpoint {

struct FoldJob {
  Lsn up_to = 0;
};
struct SnapshotJob {
  std::string path;
};
class Fold;
struct RemakeJob {
  const Fold* whole = nullptr;  // of the loop, which keeps it until the result was taken
};
struct CloseJob {};  // close the file; has no result
struct Job {
  std::uint64_t number = 0;
  std::variant<FoldJob, SnapshotJob, RemakeJob, CloseJob> work;
};
struct JobResult {
  std::uint64_t number = 0;  // of the job
  std::variant<Result<Lsn>, Result<CheckpointSnapshot>> result;
};

// Whole journal frames, or why they cannot be had.
using Slice = Result<std::string>;

class HandOver {
 public:
  HandOver();
  ~HandOver();
  HandOver(const HandOver&) = delete;
  HandOver& operator=(const HandOver&) = delete;

  // Becomes readable for the loop when there is a result or a slice is wanted.
  int loop_fd() const { return loop_fd_; }
  const std::atomic<bool>& stop() const { return stop_; }

  // --- the worker ---
  // Waits for a job. None: the thread is to end.
  std::optional<Job> next_job();
  void finish_job(JobResult result);
  // From now on the loop reads ahead, from `from` until it has read `to`.
  void begin_reading(Lsn from, Lsn to);
  void end_reading();
  // Waits for the next slice.
  Slice next_slice();
  void set_figures(const CheckpointFigures& figures);

  // --- the loop ---
  void add_job(Job job);
  // To be called when loop_fd is readable: resets it and takes the results.
  std::vector<JobResult> take_results();
  // Where to read next, if a slice is wanted now; end with put_slice.
  struct Wanted {
    std::uint64_t reading = 0;  // which begin_reading it belongs to
    Lsn from = 0;
  };
  std::optional<Wanted> wanted();
  void put_slice(const Wanted& wanted, Slice slice, Lsn last);
  // Makes the worker give up its job, forget the waiting ones and close the file; waits for that.
  // Results of jobs that were forgotten say kCheckpointStopped.
  void abandon();
  // The worker's thread returns from next_job with nothing. Waits for nothing.
  void end_thread();
  CheckpointFigures figures() const;

 private:
  void ring();  // wakes the loop
  Slice stopped() const;

  mutable std::mutex mutex_;
  std::condition_variable for_worker_, for_loop_;
  int loop_fd_ = -1;
  std::atomic<bool> stop_{false};

  std::deque<Job> jobs_;
  bool busy_ = false;
  bool end_ = false;
  std::vector<JobResult> results_;
  CheckpointFigures figures_;

  std::uint64_t reading_ = 0;  // odd: a reading is on
  Lsn read_next_ = 0, read_to_ = 0;
  std::deque<Slice> slices_;
};

}  // namespace tandemq::broker::checkpoint
