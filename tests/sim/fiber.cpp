#include "tests/sim/fiber.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "broker/base/check.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace tandemq::sim {
namespace {

constexpr std::size_t kStackBytes = 256u << 10;  // taken page by page

std::vector<void*>& spare_stacks() {
  static std::vector<void*> stacks;
  return stacks;
}

void* take_stack() {
  std::vector<void*>& spare = spare_stacks();
  if (!spare.empty()) {
    void* stack = spare.back();
    spare.pop_back();
    return stack;
  }
  void* stack = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  TMQ_CHECK(stack != MAP_FAILED);
  return stack;
}

// swapcontext asks the kernel for the signal mask each time, which is a third of a run; so only the
// first switch to a stack is one, and every other a jump.
#ifdef __SANITIZE_ADDRESS__
// The stack that resume() was called on, as the sanitizer knows it.
const void* outside_stack = nullptr;
std::size_t outside_bytes = 0;

void leaves_for(const void* stack, std::size_t bytes, void** fake) {
  __sanitizer_start_switch_fiber(fake, stack, bytes);
}
void came_back(void* fake) {
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
}
#else
constexpr const void* outside_stack = nullptr;
constexpr std::size_t outside_bytes = 0;

void leaves_for(const void*, std::size_t, void**) {}
void came_back(void*) {}
#endif

}  // namespace

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)), stack_(take_stack()) {}

Fiber::~Fiber() {
  TMQ_CHECK(ended_);
  spare_stacks().push_back(stack_);
}

void Fiber::begin() {
  begun_ = true;
  ucontext_t first{};
  ::getcontext(&first);
  first.uc_stack.ss_sp = stack_;
  first.uc_stack.ss_size = kStackBytes;
  const auto self = reinterpret_cast<std::uintptr_t>(this);
  ::makecontext(&first, reinterpret_cast<void (*)()>(&Fiber::enter), 2,
                static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
  ::setcontext(&first);
}

void Fiber::enter(unsigned high, unsigned low) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(nullptr, &outside_stack, &outside_bytes);
#endif
  reinterpret_cast<Fiber*>((std::uintptr_t{high} << 32) | low)->run();
}

void Fiber::run() {
  body_();
  ended_ = true;
  wait();
}

void Fiber::resume() {
  TMQ_CHECK(!inside_ && !ended_);
  inside_ = true;
  void* volatile fake = nullptr;
  if (_setjmp(outside_) == 0) {
    leaves_for(stack_, kStackBytes, const_cast<void**>(&fake));
    if (!begun_) begin();
    std::longjmp(own_, 1);
  }
  came_back(fake);
  inside_ = false;
}

void Fiber::wait() {
  TMQ_CHECK(inside_);
  void* volatile fake = nullptr;
  if (_setjmp(own_) == 0) {
    leaves_for(outside_stack, outside_bytes, const_cast<void**>(&fake));
    std::longjmp(outside_, 1);
  }
  came_back(fake);
}

}  // namespace tandemq::sim
