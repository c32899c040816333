// Threads on which passwords and tokens are checked and servers asked: one check takes from a tenth
// of a millisecond to seconds, by the iterations that the password file demands or the time that a
// server takes, and the loop must not wait for it.
//
// The answers come back on the loop, a few a turn, in the order in which they were asked for: of
// two connections of one client the younger is answered last and keeps the session.
//
// There is no lock: a thread of less importance than the loop may lose its processor anywhere, and
// the loop would wait for it.
#pragma once

#include <semaphore.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker/access/password_file.h"
#include "broker/access/secret.h"

struct event_base;
struct event;

namespace tandemq::broker {

class LoginWorker {
 public:
  using Number = std::uint64_t;        // of a check; 0: none
  using Work = std::function<bool()>;  // called once, on any thread
  using Answer = std::function<void(bool good)>;

  // Lives on the loop of `base`. `bytes_max`: for checks that wait. The threads are started by the
  // first check, as many as `threads` says; 0: by the processors of this host.
  LoginWorker(event_base* base, std::size_t bytes_max, unsigned threads = 0);
  // Answers nobody any more.
  ~LoginWorker();
  LoginWorker(const LoginWorker&) = delete;
  LoginWorker& operator=(const LoginWorker&) = delete;

  // 0 when too many wait already. `answer` is called on the loop, never from inside this call.
  // `weight`: bytes that `work` keeps.
  Number check(Work work, std::size_t weight, Answer answer);
  Number check(PasswordHash stored, std::string password, Answer answer);
  // Its answer is not called any more. What has not begun is not done.
  void cancel(Number number);

  std::size_t waiting() const { return waiting_; }  // not answered and not cancelled

 private:
  // Whoever takes a check from waiting has its work to itself: a thread that runs it,
  // or the loop, which forgets them.
  enum class Stage : std::uint8_t { waiting, running, forgotten, done };
  struct Check {
    Check(Work what, std::size_t kept, Answer then)
        : work(std::move(what)), weight(kept), answer(std::move(then)) {}

    Work work;  // null: forgotten
    std::size_t weight;
    Answer answer;      // the loop's; null: cancelled
    bool good = false;  // once it is done
    std::atomic<Stage> stage = Stage::waiting;

    std::size_t bytes() const { return sizeof(*this) + weight; }
    bool take(Stage to);
    void forget();  // what was secret in it
  };
  // So many at most are with the threads, so that these find the next without asking the loop.
  static constexpr std::size_t kWithThreads = 256;

  static void on_wakeup(int fd, short what, void* self);
  void start();
  void hand_over();
  bool pop_done(Answer& answer, bool& good);
  void wake_loop() const;
  void run();

  event_base* base_;
  const std::size_t bytes_max_;
  const unsigned threads_wanted_;
  int wakeup_fd_ = -1;
  event* wakeup_ = nullptr;
  std::deque<Check> checks_;      // references stay valid
  Number first_ = 1;              // number of checks_.front()
  std::size_t with_threads_ = 0;  // of checks_, the first ones
  std::size_t bytes_ = 0;
  std::size_t waiting_ = 0;

  // Check number n is in place n % kWithThreads from its handing over until it is done.
  std::array<std::atomic<Check*>, kWithThreads> handed_{};
  sem_t untaken_;                 // of those handed over, no thread has taken so many
  std::atomic<Number> next_ = 1;  // number of the first of them
  std::atomic<bool> stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tandemq::broker
