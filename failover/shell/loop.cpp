#include "failover/shell/loop.h"

#include <event2/event.h>
#include <unistd.h>

#include <ctime>
#include <utility>

#include "broker/base/check.h"

namespace tandemq::failover {
namespace {

std::uint64_t clock_ms(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

timeval interval(std::uint64_t ms) {
  return {static_cast<time_t>(ms / 1000), static_cast<suseconds_t>(ms % 1000 * 1000)};
}

}  // namespace

TimeMs boottime_ms() {
  return clock_ms(CLOCK_BOOTTIME);
}
std::uint64_t wall_ms() {
  return clock_ms(CLOCK_REALTIME);
}

Timer::Timer(event_base* base, std::function<void()> fire) : base_(base), fire_(std::move(fire)) {}

Timer::~Timer() {
  stop();
}

void Timer::fired(int, short, void* self) {
  static_cast<Timer*>(self)->fire_();
}

void Timer::once(std::uint64_t ms) {
  stop();
  event_ = event_new(base_, -1, 0, &Timer::fired, this);
  const timeval wait = interval(ms);
  TMQ_CHECK(event_ && event_add(event_, &wait) == 0);
}

void Timer::every(std::uint64_t ms) {
  stop();
  event_ = event_new(base_, -1, EV_PERSIST, &Timer::fired, this);
  const timeval wait = interval(ms);
  TMQ_CHECK(event_ && event_add(event_, &wait) == 0);
}

void Timer::stop() {
  if (event_) event_free(std::exchange(event_, nullptr));
}

Readable::Readable(event_base* base, int fd, std::function<void()> ready)
    : ready_(std::move(ready)) {
  event_ = event_new(base, fd, EV_READ | EV_PERSIST, &Readable::fired, this);
  TMQ_CHECK(event_ && event_add(event_, nullptr) == 0);
}

Readable::~Readable() {
  event_free(event_);
}

void Readable::fired(int, short, void* self) {
  static_cast<Readable*>(self)->ready_();
}

int Fd::release() {
  return std::exchange(fd_, -1);
}

void Fd::reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

}  // namespace tandemq::failover
