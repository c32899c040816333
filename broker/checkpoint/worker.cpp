#include "broker/checkpoint/worker.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "replicator/core/frame.h"

namespace tandemq::broker::checkpoint {

namespace {

constexpr int kNice = 10;  // the loop goes first

using Clock = std::chrono::steady_clock;

// For the calling thread only.
void lower_priority() {
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  ::setpriority(PRIO_PROCESS, thread, kNice);
  ::pthread_setname_np(::pthread_self(), "checkpoint");
}

}  // namespace

Worker::Worker(const CheckpointConfig& config, const CheckpointInfo& info, HandOver& hand_over)
    : config_(config), hand_over_(hand_over) {
  figures_.lsn = info.meta.lsn;
  figures_.rows = info.rows;
  figures_.bytes = info.bytes;
  hand_over_.set_figures(figures_);
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Worker::~Worker() {
  thread_.join();
}

void Worker::run() {
  lower_priority();
  while (auto job = hand_over_.next_job()) {
    if (const auto* fold_job = std::get_if<FoldJob>(&job->work)) {
      hand_over_.finish_job({job->number, fold(*fold_job)});
    } else if (const auto* snapshot_job = std::get_if<SnapshotJob>(&job->work)) {
      hand_over_.finish_job({job->number, snapshot(*snapshot_job)});
    } else if (const auto* remake_job = std::get_if<RemakeJob>(&job->work)) {
      hand_over_.finish_job({job->number, remake(*remake_job)});
    } else {
      store_.reset();
    }
  }
  store_.reset();
}

Status Worker::open_store() {
  if (store_) return Done{};
  auto opened = Store::open(config_.path, &hand_over_.stop());
  if (!opened) return opened.error();
  store_ = std::move(*opened);
  return Done{};
}

void Worker::publish() {
  figures_.lsn = store_->head().meta.lsn;
  figures_.rows = store_->head().rows;
  figures_.bytes = file_bytes(config_.path);
  hand_over_.set_figures(figures_);
}

Result<Lsn> Worker::fold(const FoldJob& job) {
  const auto began = Clock::now();
  records_ = rows_written_ = 0;
  Result<Lsn> result = fold_windows(job.up_to);
  hand_over_.end_reading();
  if (result) {
    ++figures_.folds_total;
    figures_.last_seconds = std::chrono::duration<double>(Clock::now() - began).count();
    figures_.last_records = records_;
    figures_.last_rows_written = rows_written_;
  } else {
    ++figures_.failures_total;
    // Whatever was wrong with the file or the disk, begin with a new connection next time.
    store_.reset();
  }
  hand_over_.set_figures(figures_);
  return result;
}

Result<Lsn> Worker::fold_windows(Lsn up_to) {
  if (Status opened = open_store(); !opened) return opened.error();
  publish();
  if (store_->head().meta.lsn >= up_to) return store_->head().meta.lsn;
  hand_over_.begin_reading(store_->head().meta.lsn + 1, up_to);
  slice_.clear();
  slice_used_ = 0;
  while (store_->head().meta.lsn < up_to) {
    if (Status folded = fold_window(up_to); !folded) {
      store_->rollback();
      return folded.error();
    }
    publish();
    store_->tidy();
  }
  publish();
  return store_->head().meta.lsn;
}

// One transaction: reads a window of the journal, writes what is left of it.
Status Worker::fold_window(Lsn up_to) {
  if (Status begun = store_->begin(); !begun) return begun;
  Fold fold(*store_, store_->head().meta);
  const Lsn before = fold.meta().lsn;
  if (Status filled = fill(fold, up_to); !filled) return filled;
  auto written = store_->commit(fold);
  if (!written) return written.error();
  records_ += fold.meta().lsn - before;
  rows_written_ += *written;
  return Done{};
}

Status Worker::fill(Fold& fold, Lsn up_to) {
  std::uint64_t bytes = 0;
  while (fold.meta().lsn < up_to && bytes < config_.window_bytes &&
         fold.memory() < config_.memory_bytes) {
    if (slice_used_ == slice_.size()) {
      if (Status status = store_->status(); !status) return status;
      Slice slice = hand_over_.next_slice();
      if (!slice) return slice.error();
      slice_ = std::move(*slice);
      slice_used_ = 0;
    }
    repl::FrameView frame;
    const auto read = repl::read_frame(std::string_view(slice_).substr(slice_used_), frame);
    if (read != repl::FrameRead::frame || frame.lsn != fold.meta().lsn + 1) {
      return Error{"the journal gave no record " + std::to_string(fold.meta().lsn + 1) +
                       " for the checkpoint " + config_.path +
                       ": check the journal with tandemq-journal",
                   kCheckpointDamaged};
    }
    if (Status added = fold.add(frame.lsn, core::Kind{frame.kind}, frame.body, frame.version);
        !added) {
      return added;
    }
    slice_used_ += frame.bytes.size();
    bytes += frame.bytes.size();
  }
  return store_->status();
}

// The journal writes on while a copy is made, and must not find the disk full.
Status Worker::room_for_copy() const {
  std::error_code ignored;
  const auto folder = std::filesystem::path(config_.path).parent_path();
  const std::uint64_t free = std::filesystem::space(folder, ignored).available;
  // The file may be damaged by having been cut short.
  const std::uint64_t bytes = std::max(file_bytes(config_.path), figures_.bytes);
  if (ignored || (free >= bytes && free - bytes >= config_.spare_bytes)) return Done{};
  return Error{"no room for a copy of the checkpoint: " + std::to_string(bytes) + " bytes, and " +
                   std::to_string(config_.spare_bytes) + " for the journal beside it, but " +
                   folder.string() + " has " + std::to_string(free) +
                   " left; make room there, the copy is tried again",
               kCheckpointIo};
}

// Beside the old file, which is replaced when the new one was read whole and found good.
Result<Lsn> Worker::remake(const RemakeJob& job) {
  store_.reset();
  CheckpointConfig fresh = config_;
  fresh.path = config_.path + kRemadeSuffix;
  Status done = room_for_copy();
  if (done) done = write_whole(fresh, *job.whole);
  const Lsn lsn = job.whole->meta().lsn;
  Result<CheckpointInfo> installed = done ? checkpoint_install(config_, fresh.path, lsn, {})
                                          : Result<CheckpointInfo>(done.error());
  if (!installed) {
    ::unlink(fresh.path.c_str());
    ++figures_.failures_total;
    hand_over_.set_figures(figures_);
    return installed.error();
  }
  if (Status opened = open_store(); !opened) return opened.error();
  publish();
  return lsn;
}

Status Worker::write_whole(const CheckpointConfig& target, const Fold& whole) {
  ::unlink(target.path.c_str());
  Result<CheckpointInfo> made = checkpoint_prepare(target);
  if (!made) return made.error();
  Result<std::unique_ptr<Store>> store = Store::open(target.path, &hand_over_.stop());
  if (!store) return store.error();
  if (Status begun = (*store)->begin(); !begun) return begun;
  Result<std::uint64_t> written = (*store)->commit(whole);
  if (!written) return written.error();
  (*store)->tidy();
  return Done{};
}

Result<CheckpointSnapshot> Worker::snapshot(const SnapshotJob& job) {
  if (Status opened = open_store(); !opened) return opened.error();
  if (Status room = room_for_copy(); !room) return room.error();
  store_->tidy();
  if (Status copied = store_->copy_to(job.path); !copied) {
    ::unlink(job.path.c_str());
    return copied.error();
  }
  const core::MetaRow& meta = store_->head().meta;
  return CheckpointSnapshot{job.path, meta.lsn, file_bytes(job.path)};
}

}  // namespace tandemq::broker::checkpoint
