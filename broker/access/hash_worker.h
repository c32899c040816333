// Threads on which passwords are checked: one check takes from a tenth of a millisecond to seconds,
// by the iterations that the password file demands, and the loop must not wait for it.
//
// The answers come back on the loop, a few a turn, in the order in which they were asked for: of
// two connections of one client the younger is answered last and keeps the session.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "broker/access/password_file.h"

struct event_base;
struct event;

namespace tandemq::broker {

class HashWorker {
 public:
  using Number = std::uint64_t;  // of a check; 0: none
  using Answer = std::function<void(bool matches)>;

  // Lives on the loop of `base`. `bytes_max`: for checks that wait. The threads are started by the
  // first check, as many as `threads` says; 0: by the processors of this host.
  HashWorker(event_base* base, std::size_t bytes_max, unsigned threads = 0);
  // Answers nobody any more.
  ~HashWorker();
  HashWorker(const HashWorker&) = delete;
  HashWorker& operator=(const HashWorker&) = delete;

  // 0 when too many wait already. `answer` is called on the loop, never from inside this call.
  Number check(PasswordHash stored, std::string password, Answer answer);
  // Its answer is not called any more. What has not begun is not done.
  void cancel(Number number);

  std::size_t waiting() const;  // not answered and not cancelled

 private:
  enum class Stage : std::uint8_t { waiting, running, done };
  struct Check {
    PasswordHash stored;
    std::string password;
    Answer answer;  // null: cancelled
    Stage stage = Stage::waiting;
    bool matches = false;

    std::size_t bytes() const { return sizeof(*this) + stored.salt.size() + password.capacity(); }
    void forget();  // what was secret in it
  };

  static void on_wakeup(int fd, short what, void* self);
  void start();
  void run();
  Check* next_waiting(std::unique_lock<std::mutex>& lock);
  bool pop_done(Answer& answer, bool& matches);
  void wake_loop() const;

  event_base* base_;
  const std::size_t bytes_max_;
  const unsigned threads_wanted_;
  int wakeup_fd_ = -1;
  event* wakeup_ = nullptr;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Check> checks_;  // guarded by mutex_, as are the following; references stay valid
  Number first_ = 1;          // number of checks_.front()
  Number next_ = 1;           // of the first that no thread has taken
  std::size_t bytes_ = 0;
  std::size_t waiting_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tandemq::broker
