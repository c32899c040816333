#include "replicator/journal/journal_worker.h"

#include <event2/event.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <utility>

#include "broker/base/check.h"

namespace tandemq::repl {
namespace {

std::uint64_t now_us() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count());
}

void merge(SyncJob& into, SyncJob&& job) {
  for (auto& file : job.files) {
    if (into.files.empty() || into.files.back() != file) into.files.push_back(std::move(file));
  }
  for (auto& file : job.remove) into.remove.push_back(std::move(file));
  into.folder = into.folder || job.folder;
  if (job.upto != 0) into.upto = job.upto;
}

}  // namespace

SyncWorker::SyncWorker(JournalIo& io, const JournalFileRef& folder, DurableNote& note,
                       event_base* base, Failed failed, std::function<void()> done)
    : io_(io),
      folder_(folder),
      note_(note),
      report_failed_(std::move(failed)),
      done_(std::move(done)) {
  if (base == nullptr) return;
  wakeup_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  TMQ_CHECK(wakeup_fd_ >= 0);
  wakeup_ = event_new(base, wakeup_fd_, EV_READ | EV_PERSIST, &SyncWorker::on_wakeup, this);
  TMQ_CHECK(wakeup_ != nullptr && event_add(wakeup_, nullptr) == 0);
  thread_ = std::thread([this] { run(); });
}

SyncWorker::~SyncWorker() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  event_free(wakeup_);
  ::close(wakeup_fd_);
}

void SyncWorker::on_wakeup(int fd, short, void* self) {
  std::uint64_t count = 0;
  if (::read(fd, &count, sizeof count) > 0) static_cast<SyncWorker*>(self)->done_();
}

void SyncWorker::post(SyncJob job) {
  {
    const std::lock_guard lock(mutex_);
    merge(next_, std::move(job));
  }
  changed_.notify_all();
}

bool SyncWorker::wait() {
  std::unique_lock lock(mutex_);
  if (thread_.joinable()) {
    changed_.wait(lock, [this] { return next_.empty() && !busy_; });
    return !failed_;
  }
  const SyncJob job = std::exchange(next_, {});
  lock.unlock();
  work(job);
  return !failed_;
}

SyncFigures SyncWorker::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

void SyncWorker::set_synced(Lsn lsn) {
  const std::lock_guard lock(mutex_);
  figures_.synced = lsn;
}

void SyncWorker::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !next_.empty(); });
    if (next_.empty()) return;
    SyncJob job = std::exchange(next_, {});
    busy_ = true;
    lock.unlock();
    work(job);
    job = {};  // closing the last descriptor of a removed file may take a while
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

void SyncWorker::work(const SyncJob& job) {
  if (failed_ || job.empty()) return;
  const std::uint64_t began = now_us();
  if (!sync(job)) return;
  if (job.upto != 0) {
    const std::lock_guard lock(mutex_);
    figures_.synced = job.upto;
    figures_.syncs_total += 1;
    figures_.sync_us_last = now_us() - began;
  }
  const std::uint64_t one = 1;
  if (wakeup_ != nullptr && job.upto != 0) {
    TMQ_CHECK(::write(wakeup_fd_, &one, sizeof one) == sizeof one);
  }
  remove(job);
}

// Oldest first, and none behind one that stays: a start would take the gap for damage.
bool SyncWorker::remove(const SyncJob& job) {
  for (const auto& file : job.remove) {
    const int result = io_.remove(file->path);
    if (result < 0 && result != -ENOENT) return fail({false, file->path, result});
  }
  const int result = job.remove.empty() ? 0 : io_.sync_folder(folder_->fd);
  return result == 0 || fail({true, folder_->path, result});
}

bool SyncWorker::fail(const IoFault& fault) {
  failed_ = true;
  report_failed_(fault);
  return false;
}

bool SyncWorker::sync(const SyncJob& job) {
  for (const auto& file : job.files) {
    const int result = io_.fdatasync(file->fd);
    if (result < 0) return fail({true, file->path, result});
  }
  if (job.folder) {
    const int result = io_.sync_folder(folder_->fd);
    if (result < 0) return fail({true, folder_->path, result});
  }
  // A new segment has no marks yet.
  if (job.upto == 0) return true;
  const auto fault = note_.write(job.upto, job.folder);
  return fault ? fail(*fault) : true;
}

}  // namespace tandemq::repl
