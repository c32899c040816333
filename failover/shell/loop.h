// Small owners for libevent's events, and the one clock of the agent.
#pragma once

#include <cstdint>
#include <functional>

#include "broker/base/ids.h"

struct event;
struct event_base;

namespace tandemq::failover {

// CLOCK_BOOTTIME: never set back, and counts while the host sleeps, as leases must.
TimeMs boottime_ms();
// Milliseconds since 1970, for people.
std::uint64_t wall_ms();

class Timer {
 public:
  Timer(event_base* base, std::function<void()> fire);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  void once(std::uint64_t ms);
  void every(std::uint64_t ms);
  void stop();

 private:
  static void fired(int, short, void* self);
  event_base* base_;
  std::function<void()> fire_;
  event* event_ = nullptr;
};

// Calls `ready` whenever the descriptor can be read. Does not own the descriptor.
class Readable {
 public:
  Readable(event_base* base, int fd, std::function<void()> ready);
  ~Readable();
  Readable(const Readable&) = delete;
  Readable& operator=(const Readable&) = delete;

 private:
  static void fired(int, short, void* self);
  std::function<void()> ready_;
  event* event_ = nullptr;
};

// Closes the descriptor that it holds.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Fd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace tandemq::failover
