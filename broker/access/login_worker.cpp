#include "broker/access/login_worker.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
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

bool LoginWorker::Check::take(Stage to) {
  Stage from = Stage::waiting;
  return stage.compare_exchange_strong(from, to, std::memory_order_acq_rel);
}

void LoginWorker::Check::forget() {
  work = nullptr;
  weight = 0;
}

LoginWorker::LoginWorker(event_base* base, std::size_t bytes_max, unsigned threads)
    : base_(base),
      bytes_max_(bytes_max),
      threads_wanted_(threads != 0 ? threads : threads_of_host()) {
  TMQ_CHECK(sem_init(&untaken_, 0, 0) == 0);
}

LoginWorker::~LoginWorker() {
  stopping_ = true;
  for (std::size_t i = 0; i < threads_.size(); ++i) sem_post(&untaken_);
  for (std::thread& thread : threads_) thread.join();
  for (Check& check : checks_) check.forget();
  sem_destroy(&untaken_);
  if (wakeup_) event_free(wakeup_);
  if (wakeup_fd_ >= 0) close(wakeup_fd_);
}

void LoginWorker::start() {
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

LoginWorker::Number LoginWorker::check(PasswordHash stored, std::string password, Answer answer) {
  const std::size_t weight = sizeof stored + stored.salt.size() + password.capacity();
  auto secret = std::make_shared<const Secret>(std::move(password));
  return check([stored = std::move(stored), secret] { return stored.matches(secret->text()); },
               weight, std::move(answer));
}

LoginWorker::Number LoginWorker::check(Work work, std::size_t weight, Answer answer) {
  if (threads_.empty()) start();
  Check& check = checks_.emplace_back(std::move(work), weight, std::move(answer));
  if (bytes_ + check.bytes() > bytes_max_) {
    check.forget();
    checks_.pop_back();
    return 0;
  }
  bytes_ += check.bytes();
  ++waiting_;
  hand_over();
  return first_ + checks_.size() - 1;
}

void LoginWorker::hand_over() {
  for (; with_threads_ < std::min(checks_.size(), kWithThreads); ++with_threads_) {
    handed_[(first_ + with_threads_) % kWithThreads] = &checks_[with_threads_];
    sem_post(&untaken_);
  }
}

void LoginWorker::cancel(Number number) {
  if (number < first_ || number >= first_ + checks_.size()) return;
  Check& check = checks_[number - first_];
  if (!check.answer) return;
  check.answer = nullptr;
  --waiting_;
  if (!check.take(Stage::forgotten)) return;
  bytes_ -= check.bytes();
  check.forget();
  bytes_ += check.bytes();
}

void LoginWorker::run() {
  const auto thread = static_cast<id_t>(syscall(SYS_gettid));
  setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + kNice);
  pthread_setname_np(pthread_self(), "passwords");
  for (;;) {
    while (sem_wait(&untaken_) != 0) {
    }
    if (stopping_) return;
    Check& check = *handed_[next_++ % kWithThreads].load();
    if (check.take(Stage::running)) check.good = check.work();
    check.stage = Stage::done;  // from now on the loop may destroy it
    wake_loop();
  }
}

void LoginWorker::wake_loop() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wakeup_fd_, &one, sizeof one);
}

// False when the oldest check is not done.
bool LoginWorker::pop_done(Answer& answer, bool& good) {
  if (checks_.empty() || checks_.front().stage != Stage::done) return false;
  Check& check = checks_.front();
  bytes_ -= check.bytes();
  check.forget();
  waiting_ -= check.answer != nullptr;
  answer = std::move(check.answer);
  good = check.good;
  checks_.pop_front();
  ++first_;
  --with_threads_;
  hand_over();
  return true;
}

void LoginWorker::on_wakeup(int fd, short, void* arg) {
  auto& self = *static_cast<LoginWorker*>(arg);
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(fd, &count, sizeof count);
  // What was cancelled costs next to nothing, and the threads must not wait behind it.
  for (int answered = 0; answered < kAnswersPerTurn;) {
    Answer answer;
    bool good = false;
    if (!self.pop_done(answer, good)) return;
    if (!answer) continue;
    answer(good);
    ++answered;
  }
  self.wake_loop();  // for those that may be left, after whatever else is due
}

}  // namespace tandemq::broker
