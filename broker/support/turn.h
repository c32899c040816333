// Time as the loop sees it. One turn of the loop is everything between two waits: its time is read
// once, at its first callback, and every decision of the turn is stamped with it.
#pragma once

#include <cstdint>

#include "broker/base/ids.h"

namespace tandemq {

std::uint64_t monotonic_ns();
TimeMs wall_ms();

// The pair's clock (docs/decisions/pair-time.md): an offset to the monotonic clock. Never runs
// backwards while this node leads; a standby follows its primary.
class PairClock {
 public:
  PairClock() : offset_ms_(wall_ms() - monotonic_ns() / 1'000'000) {}

  TimeMs at(std::uint64_t mono_ns) const { return mono_ns / 1'000'000 + offset_ms_; }
  // What the primary's clock shows now: taken over as it is.
  void follow(TimeMs time, std::uint64_t mono_ns) { offset_ms_ = time - mono_ns / 1'000'000; }
  // The clock is at least at `time` (the last one in the journal).
  void not_before(TimeMs time, std::uint64_t mono_ns) {
    if (at(mono_ns) < time) follow(time, mono_ns);
  }

 private:
  TimeMs offset_ms_;  // wraps around; only sums with the monotonic clock mean anything
};

class Turn {
 public:
  // Tests bring a clock of their own.
  using Clock = std::uint64_t (*)();
  explicit Turn(Clock clock = monotonic_ns) : clock_(clock), made_ns_(clock()) {}

  // Call first in every callback; reads the clock only once a turn.
  void begin(const PairClock& clock) {
    if (begun_ns_ == 0) start(clock);
  }
  // Length of the turn until now in ns; the next callback begins a new one.
  std::uint64_t end() {
    const std::uint64_t length = begun_ns_ == 0 ? 0 : clock_() - begun_ns_;
    begun_ns_ = 0;
    return length;
  }

  std::uint64_t read_ns() const { return clock_(); }  // the monotonic clock, anew
  bool begun() const { return begun_ns_ != 0; }
  TimeMs now() const { return now_; }                 // pair time
  std::uint64_t mono_ns() const { return mono_ns_; }  // of the turn's begin
  // For which the process has run. Not counted is what it, its host or its loop stood still: what
  // clients sent meanwhile waits unread, so that nobody may be called silent for it.
  std::uint32_t seconds() const { return seconds_; }
  // The loop has stood still and may not yet have read all that came meanwhile.
  bool catching_up() const { return mono_ns_ < caught_up_ns_; }

 private:
  void start(const PairClock& clock);

  Clock clock_;
  std::uint64_t made_ns_;
  std::uint64_t begun_ns_ = 0;
  std::uint64_t mono_ns_ = 0;
  std::uint64_t stood_still_ns_ = 0;  // in all
  std::uint64_t caught_up_ns_ = 0;
  std::uint32_t seconds_ = 0;
  TimeMs now_ = 0;
};

}  // namespace tandemq
