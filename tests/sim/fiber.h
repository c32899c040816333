// A stack of its own for the code of a simulated process, so that it can stand still in the middle
// of a call (a sync, say) while virtual time goes on for everybody else.
#pragma once

#include <csetjmp>
#include <functional>
#include <memory>

namespace tandemq::sim {

class Fiber {
 public:
  // `body` must not let an exception out.
  explicit Fiber(std::function<void()> body);
  ~Fiber();  // the body has ended
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  void resume();  // from outside: until the body waits or ends
  void wait();    // from inside: until it is resumed
  bool inside() const { return inside_; }
  bool ended() const { return ended_; }

 private:
  static void enter(unsigned high, unsigned low);
  void begin();
  void run();

  std::function<void()> body_;
  void* stack_ = nullptr;
  std::jmp_buf own_{};
  std::jmp_buf outside_{};
  bool begun_ = false;
  bool inside_ = false;
  bool ended_ = false;
};

}  // namespace tandemq::sim
