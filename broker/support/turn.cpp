#include "broker/support/turn.h"

#include <ctime>

namespace tandemq {
namespace {

// Ticks of the node begin a turn every 100 ms; a longer gap is a standstill.
constexpr std::uint64_t kStandstillNs = 500'000'000;
constexpr std::uint64_t kCatchUpNs = 500'000'000;

}  // namespace

std::uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

TimeMs wall_ms() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<TimeMs>(now.tv_sec) * 1000 + static_cast<TimeMs>(now.tv_nsec) / 1'000'000;
}

void Turn::start(const PairClock& clock) {
  const std::uint64_t now_ns = clock_();
  if (mono_ns_ != 0 && now_ns > mono_ns_ + kStandstillNs) {
    stood_still_ns_ += now_ns - mono_ns_;
    caught_up_ns_ = now_ns + kCatchUpNs;
  }
  begun_ns_ = mono_ns_ = now_ns;
  const std::uint64_t ran_ns = mono_ns_ - made_ns_ - stood_still_ns_;
  seconds_ = static_cast<std::uint32_t>(ran_ns / 1'000'000'000);
  now_ = clock.at(mono_ns_);
}

}  // namespace tandemq
