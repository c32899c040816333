// One simulated process with one thread: a loop that runs callbacks one after the other, and that
// may stand still in the middle of one of them.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "tests/sim/clock.h"
#include "tests/sim/fiber.h"

namespace tandemq::sim {

// Goes through the code of a process that ends there.
struct ProcessEnds {};

class Process {
 public:
  explicit Process(Clock& clock);
  ~Process();  // ends at once
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // A callback of the loop: now when it is idle, else when those before it are done.
  void post(std::function<void()> what);
  // A callback after a while, unless the process has ended by then.
  void after(TimeUs delay, std::function<void()> what);
  // From inside a callback: everything of the process stands still, uninterruptibly.
  void stand_still(TimeUs time);
  bool inside() const { return fiber_.inside(); }
  bool ending() const { return ending_; }  // what runs now are destructors

  // SIGSTOP and SIGCONT, or the freezer of its host; it goes on when all have let it.
  void stop();
  void go_on();
  bool stopped() const { return stops_ != 0; }

  // SIGKILL: false while it stands still; then it ends when the call comes back. `ended` is called
  // once, with nothing of the process on the stack.
  bool kill();
  // Ends whatever it does (its host does).
  void end();
  bool killed() const { return killed_; }

 private:
  void loop();
  void run();

  Clock& clock_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::deque<std::function<void()>> todo_;
  bool idle_ = true;     // the fiber waits for the next callback
  bool waking_ = false;  // stood still long enough while it was stopped
  unsigned stops_ = 0;
  bool killed_ = false;
  bool ending_ = false;
  Fiber fiber_;

 public:
  std::function<void()> ended;  // after a kill that came late, or an end from inside
};

}  // namespace tandemq::sim
