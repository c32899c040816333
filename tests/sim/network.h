// The replication link between the two nodes: one connection at a time, ordered both ways, with
// delay. A blocked direction holds what is sent (TCP repeats it) until it is open again or the
// connection is given up; a killed process resets the connection, a host without power is silent.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "tests/sim/clock.h"

namespace tandemq::sim {

// A socket's end, as the kernel of its host sees it. `connection` tells an old one's events apart.
class LinkEnd {
 public:
  virtual ~LinkEnd() = default;
  virtual bool listens() const = 0;
  virtual void connected(std::uint64_t connection) = 0;  // of the side that dialled
  virtual void received(std::uint64_t connection, const std::string& bytes) = 0;
  virtual void closed(std::uint64_t connection, const std::string& reason) = 0;
};

class Network {
 public:
  Network(Clock& clock, Random& random) : clock_(clock), random_(random) {}
  void attach(LinkEnd& a, LinkEnd& b) { ends_[0] = &a, ends_[1] = &b; }

  // Side 0 or 1 dials. False when the peer does not listen or a direction is blocked.
  bool dial(unsigned side);
  void send(unsigned side, std::uint64_t connection, std::string bytes);
  void close(unsigned side, std::uint64_t connection);  // in good order: after what was sent
  void killed(unsigned side);                           // the process died; its host says so
  void silent(unsigned side);                           // the host died

  void block(unsigned from, bool blocked);
  bool blocked(unsigned from) const { return way_[from].blocked; }
  bool reachable() const { return !way_[0].blocked && !way_[1].blocked; }

  TimeUs delay_max = 500;  // of one way, at least 50 µs

 private:
  struct Way {  // from this side to the other; `open` is this side's view of the connection
    bool open = false;
    bool blocked = false;
    std::uint64_t died_at = 0;  // connections up to this one ended with this side's process
    TimeUs busy_until = 0;
    std::deque<std::function<void()>> held;
  };
  void carry(unsigned from, std::function<void()> what);
  void ended(unsigned side, std::uint64_t connection, const std::string& reason);

  Clock& clock_;
  Random& random_;
  LinkEnd* ends_[2] = {};
  Way way_[2];
  std::uint64_t connection_ = 0;
};

}  // namespace tandemq::sim
