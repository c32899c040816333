// Virtual time: a queue of things to do, in order of time and then of being put there. The same
// seed gives the same run: nothing here knows a real clock, an address or an unordered container.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tandemq::sim {

using TimeUs = std::uint64_t;
constexpr TimeUs kMs = 1000;
constexpr TimeUs kSecond = 1'000'000;

class Clock {
 public:
  TimeUs now() const { return now_; }
  void after(TimeUs delay, std::function<void()> what) {
    todo_.emplace(std::pair{now_ + delay, ++order_}, std::move(what));
  }
  // Does everything up to `until`, or to the first moment at which `stop` says so.
  void run(TimeUs until, const std::function<bool()>& stop) {
    while (!todo_.empty() && todo_.begin()->first.first <= until) {
      auto next = todo_.extract(todo_.begin());
      now_ = next.key().first;
      next.mapped()();
      if (stop()) return;
    }
    now_ = until;
  }

 private:
  TimeUs now_ = 0;
  std::uint64_t order_ = 0;
  std::map<std::pair<TimeUs, std::uint64_t>, std::function<void()>> todo_;
};

// Stands still with a virtual machine that its hypervisor pauses.
struct HostClock {
  bool stands = false;
  TimeUs since = 0, missed = 0;
  TimeUs at(TimeUs now) const { return (stands ? since : now) - missed; }
  void stop(TimeUs now) {
    if (std::exchange(stands, true)) return;
    since = now;
  }
  void go_on(TimeUs now) {
    if (std::exchange(stands, false)) missed += now - since;
  }
};

class Random {
 public:
  // `steady`: always the middle, so that a story does not change with the number of draws.
  explicit Random(std::uint64_t seed, bool steady = false) : steady_(steady), engine_(seed) {}
  std::uint64_t below(std::uint64_t n) { return (steady_ ? turn_++ : engine_()) % n; }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return steady_ ? low + (high - low) / 2 : low + engine_() % (high - low + 1);
  }
  bool chance(unsigned percent) { return steady_ ? percent > 50 : engine_() % 100 < percent; }
  std::mt19937_64& engine() { return engine_; }

 private:
  bool steady_;
  std::uint64_t turn_ = 0;
  std::mt19937_64 engine_;
};

// What happened, as lines; the last ones are kept, or all are printed as they come.
class Trace {
 public:
  bool print = false;
  bool messages = false;  // those between the nodes as well
  std::size_t kept = 60;
  std::function<void(const std::string& text)> tee;  // gets each line, without its time
  void line(TimeUs now, const std::string& text);
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

}  // namespace tandemq::sim
