// One epoll loop: reads much at once, writes each connection once per turn.
#pragma once

#include <cstdint>
#include <vector>

namespace tandemq::bench {

// Nanoseconds of the steady clock.
std::uint64_t now_ns();

constexpr std::uint64_t ns_per_s = 1'000'000'000;
constexpr std::uint64_t ns_per_ms = 1'000'000;

class Pollable {
 public:
  virtual void on_events(std::uint32_t epoll_events) = 0;
  virtual void flush() = 0;  // write what has gathered in this turn

 protected:
  ~Pollable() = default;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void add(int fd, std::uint32_t events, Pollable* owner);
  void change(int fd, std::uint32_t events, Pollable* owner);
  void remove(int fd, Pollable* owner);
  // Will be flushed at the end of this turn, or of the next.
  void flush_later(Pollable* owner) { dirty_.push_back(owner); }

  // Waits for events until `deadline_ns`, handles them, and writes everything.
  void turn(std::uint64_t deadline_ns);
  // Writes everything that has gathered.
  void flush_all();

  // Shared room to receive into; a connection uses it only inside on_events.
  std::vector<char>& receive_buffer() { return receive_buffer_; }

 private:
  int epoll_fd_;
  std::vector<Pollable*> dirty_;
  std::vector<Pollable*> writing_;
  std::vector<Pollable*> removed_;  // in this turn; their events are skipped
  std::vector<char> receive_buffer_;
};

}  // namespace tandemq::bench
