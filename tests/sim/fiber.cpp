#include "tests/sim/fiber.h"

#include <sys/mman.h>

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

// AddressSanitizer has to be told on which stack the thread runs.
void switch_stacks([[maybe_unused]] const void* to, [[maybe_unused]] std::size_t bytes,
                   ucontext_t& from, const ucontext_t& next) {
#ifdef __SANITIZE_ADDRESS__
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, to, bytes);
  ::swapcontext(&from, &next);
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#else
  ::swapcontext(&from, &next);
#endif
}

#ifdef __SANITIZE_ADDRESS__
// The stack that resume() was called on, as the sanitizer knows it.
const void* outside_stack = nullptr;
std::size_t outside_bytes = 0;
#else
constexpr const void* outside_stack = nullptr;
constexpr std::size_t outside_bytes = 0;
#endif

}  // namespace

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)), stack_(take_stack()) {
  ::getcontext(&own_);
  own_.uc_stack.ss_sp = stack_;
  own_.uc_stack.ss_size = kStackBytes;
  own_.uc_link = nullptr;
  const auto self = reinterpret_cast<std::uintptr_t>(this);
  ::makecontext(&own_, reinterpret_cast<void (*)()>(&Fiber::enter), 2,
                static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
}

Fiber::~Fiber() {
  TMQ_CHECK(ended_);
  spare_stacks().push_back(stack_);
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
  switch_stacks(stack_, kStackBytes, outside_, own_);
  inside_ = false;
}

void Fiber::wait() {
  TMQ_CHECK(inside_);
  switch_stacks(outside_stack, outside_bytes, own_, outside_);
}

}  // namespace tandemq::sim
