#include "broker/checkpoint/handover.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "broker/base/check.h"

namespace tandemq::broker::checkpoint {

namespace {

constexpr std::size_t kSlicesAhead = 2;

Error stopped_error() {
  return {"the checkpoint was abandoned", kCheckpointStopped};
}

JobResult stopped_result(const Job& job) {
  if (std::holds_alternative<SnapshotJob>(job.work)) {
    return {job.number, Result<CheckpointSnapshot>(stopped_error())};
  }
  return {job.number, Result<Lsn>(stopped_error())};
}

}  // namespace

HandOver::HandOver() : loop_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  TMQ_CHECK(loop_fd_ >= 0);
}

HandOver::~HandOver() {
  ::close(loop_fd_);
}

void HandOver::ring() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is being woken anyway.
  [[maybe_unused]] const auto written = ::write(loop_fd_, &one, sizeof(one));
}

std::optional<Job> HandOver::next_job() {
  std::unique_lock lock(mutex_);
  busy_ = false;
  for_loop_.notify_all();
  for_worker_.wait(lock, [this] { return end_ || (!stop_ && !jobs_.empty()); });
  if (end_) return std::nullopt;
  Job job = std::move(jobs_.front());
  jobs_.pop_front();
  busy_ = true;
  return job;
}

void HandOver::finish_job(JobResult result) {
  std::lock_guard lock(mutex_);
  results_.push_back(std::move(result));
  ring();
}

void HandOver::begin_reading(Lsn from, Lsn to) {
  std::lock_guard lock(mutex_);
  reading_ += reading_ % 2 == 0 ? 1 : 2;
  read_next_ = from;
  read_to_ = to;
  slices_.clear();
  ring();
}

void HandOver::end_reading() {
  std::lock_guard lock(mutex_);
  reading_ += reading_ % 2;
  slices_.clear();
}

Slice HandOver::next_slice() {
  std::unique_lock lock(mutex_);
  for_worker_.wait(lock, [this] { return stop_ || !slices_.empty(); });
  if (stop_) return stopped_error();
  Slice slice = std::move(slices_.front());
  slices_.pop_front();
  if (read_next_ <= read_to_) ring();
  return slice;
}

void HandOver::set_figures(const CheckpointFigures& figures) {
  std::lock_guard lock(mutex_);
  figures_ = figures;
}

void HandOver::add_job(Job job) {
  std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
  for_worker_.notify_one();
}

std::vector<JobResult> HandOver::take_results() {
  std::uint64_t count;
  [[maybe_unused]] const auto got = ::read(loop_fd_, &count, sizeof(count));
  std::lock_guard lock(mutex_);
  return std::exchange(results_, {});
}

std::optional<HandOver::Wanted> HandOver::wanted() {
  std::lock_guard lock(mutex_);
  if (reading_ % 2 == 0 || read_next_ > read_to_ || slices_.size() >= kSlicesAhead) return {};
  return Wanted{reading_, read_next_};
}

void HandOver::put_slice(const Wanted& wanted, Slice slice, Lsn last) {
  std::lock_guard lock(mutex_);
  if (wanted.reading != reading_) return;
  const bool failed = !slice;
  slices_.push_back(std::move(slice));
  read_next_ = failed ? read_to_ + 1 : last + 1;
  for_worker_.notify_one();
  // One slice a turn of the loop; the next turn reads the next.
  if (read_next_ <= read_to_ && slices_.size() < kSlicesAhead) ring();
}

void HandOver::abandon() {
  std::unique_lock lock(mutex_);
  stop_ = true;
  for (const Job& job : jobs_) results_.push_back(stopped_result(job));
  jobs_.clear();
  for_worker_.notify_all();
  for_loop_.wait(lock, [this] { return !busy_; });
  stop_ = false;
  jobs_.push_back({0, CloseJob{}});
  for_worker_.notify_all();
  for_loop_.wait(lock, [this] { return !busy_ && jobs_.empty(); });
}

void HandOver::end_thread() {
  std::lock_guard lock(mutex_);
  stop_ = true;
  end_ = true;
  for_worker_.notify_all();
}

CheckpointFigures HandOver::figures() const {
  std::lock_guard lock(mutex_);
  CheckpointFigures figures = figures_;
  figures.running = busy_ || !jobs_.empty();
  return figures;
}

}  // namespace tandemq::broker::checkpoint
