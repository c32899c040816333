// TLS handshakes that can go on, each a step at a time, in order: first those that have begun. Were
// all in one row, a client's second step would stand behind the first steps of everybody, and where
// those take longer than a client may take until its CONNECT nobody would ever come in. A step is
// up to a millisecond of arithmetic, and after a failover thousands wait for one: all together they
// get a share of each turn, so that clients that are back already are served between.
#pragma once

#include <event2/event_struct.h>

#include <cstdint>
#include <deque>
#include <functional>

struct event_base;

namespace tandemq::net {

class Handshaker {
 public:
  // One step. May destroy itself.
  virtual void handshake() = 0;

 protected:
  ~Handshaker() = default;
};

class Handshakes {
 public:
  // Lives on the loop of `base`; null: only run() does anything. `begin_turn` is called before work
  // that the turn's length should have.
  Handshakes(event_base* base, std::function<void()> begin_turn);
  ~Handshakes();
  Handshakes(const Handshakes&) = delete;
  Handshakes& operator=(const Handshakes&) = delete;

  void add(Handshaker& one, bool begun);
  void remove(const Handshaker& one);
  // What one turn gives.
  void run();
  bool empty() const { return size_ == 0; }

  struct Counters {
    std::uint64_t full = 0, resumed = 0, failed = 0;  // only grow
  };
  Counters counters;

 private:
  void wake();

  event_base* base_;
  std::function<void()> begin_turn_;
  struct event event_ {};
  std::deque<Handshaker*> begun_, fresh_;  // null: removed
  std::size_t size_ = 0;                   // without those
};

}  // namespace tandemq::net
