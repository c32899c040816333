#include "broker/access/hash_worker.h"

#include <event2/event.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "broker/base/check.h"

namespace tandemq::broker {
namespace {

constexpr int kNice = 5;  // the loop goes first
constexpr unsigned kThreadsMax = 4;
constexpr int kAnswersPerTurn = 16;  // each may make a session, and send it what waits for it

unsigned threads_of_host() {
  return std::clamp(std::thread::hardware_concurrency() / 2, 1u, kThreadsMax);
}

}  // namespace

void HashWorker::Check::forget() {
  OPENSSL_cleanse(password.data(), password.size());
  password = {};
}

HashWorker::HashWorker(event_base* base, std::size_t bytes_max, unsigned threads)
    : base_(base),
      bytes_max_(bytes_max),
      threads_wanted_(threads != 0 ? threads : threads_of_host()) {}

HashWorker::~HashWorker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (Check& check : checks_)
      if (check.stage == Stage::waiting) check.forget();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  if (wakeup_) event_free(wakeup_);
  if (wakeup_fd_ >= 0) close(wakeup_fd_);
}

void HashWorker::start() {
  wakeup_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  TMQ_CHECK(wakeup_fd_ >= 0);
  wakeup_ = event_new(base_, wakeup_fd_, EV_READ | EV_PERSIST, on_wakeup, this);
  event_priority_set(wakeup_, event_base_get_npriorities(base_) - 1);
  event_add(wakeup_, nullptr);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (unsigned i = 0; i < threads_wanted_; ++i) threads_.emplace_back([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

HashWorker::Number HashWorker::check(PasswordHash stored, std::string password, Answer answer) {
  if (threads_.empty()) start();
  Number number = 0;
  {
    const std::lock_guard lock(mutex_);
    Check check;
    check.stored = std::move(stored);
    check.password = std::move(password);
    check.answer = std::move(answer);
    if (bytes_ + check.bytes() > bytes_max_) return 0;
    bytes_ += check.bytes();
    ++waiting_;
    number = first_ + checks_.size();
    checks_.push_back(std::move(check));
  }
  changed_.notify_one();
  return number;
}

void HashWorker::cancel(Number number) {
  const std::lock_guard lock(mutex_);
  if (number < first_ || number >= first_ + checks_.size()) return;
  Check& check = checks_[number - first_];
  if (!check.answer) return;
  check.answer = nullptr;
  --waiting_;
  if (check.stage != Stage::waiting) return;
  bytes_ -= check.bytes();
  check.forget();
  bytes_ += check.bytes();
}

std::size_t HashWorker::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

// The oldest check that nobody has taken; null when there is none, or it is time to stop.
HashWorker::Check* HashWorker::next_waiting(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [this] { return stopping_ || next_ < first_ + checks_.size(); });
  if (stopping_) return nullptr;
  Check& check = checks_[next_++ - first_];
  check.stage = Stage::running;
  return &check;
}

void HashWorker::run() {
  const auto thread = static_cast<id_t>(syscall(SYS_gettid));
  setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + kNice);
  pthread_setname_np(pthread_self(), "passwords");
  std::unique_lock lock(mutex_);
  while (Check* check = next_waiting(lock)) {
    const bool wanted = check->answer != nullptr;
    lock.unlock();
    // Nobody else touches these of a check that runs.
    const bool matches = wanted && check->stored.matches(check->password);
    lock.lock();
    check->matches = matches;
    check->stage = Stage::done;
    if (check == &checks_.front()) wake_loop();
  }
}

void HashWorker::wake_loop() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wakeup_fd_, &one, sizeof one);
}

// False when the oldest check is not done.
bool HashWorker::pop_done(Answer& answer, bool& matches) {
  const std::lock_guard lock(mutex_);
  if (checks_.empty() || checks_.front().stage != Stage::done) return false;
  Check& check = checks_.front();
  bytes_ -= check.bytes();
  check.forget();
  waiting_ -= check.answer != nullptr;
  answer = std::move(check.answer);
  matches = check.matches;
  checks_.pop_front();
  ++first_;
  return true;
}

void HashWorker::on_wakeup(int fd, short, void* arg) {
  auto& self = *static_cast<HashWorker*>(arg);
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(fd, &count, sizeof count);
  for (int i = 0; i < kAnswersPerTurn; ++i) {
    Answer answer;
    bool matches = false;
    if (!self.pop_done(answer, matches)) return;
    if (answer) answer(matches);
  }
  self.wake_loop();  // for those that may be left, after whatever else is due
}

}  // namespace tandemq::broker
