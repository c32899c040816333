#include "broker/shell/turn.h"

#include <ctime>

namespace tandemq::broker {

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
  static const std::uint64_t process_start_ns = monotonic_ns();
  begun_ns_ = mono_ns_ = monotonic_ns();
  seconds_ = static_cast<std::uint32_t>((mono_ns_ - process_start_ns) / 1'000'000'000);
  now_ = clock.at(mono_ns_);
}

}  // namespace tandemq::broker
