// When to tell that the peer is missed: soon after it went or never came, then now and then.
#pragma once

#include <cstdint>

namespace tandemq::broker {

class PeerAbsence {
 public:
  static constexpr std::uint32_t kFirstS = 10;
  static constexpr std::uint32_t kAgainS = 600;

  // Call once a second. True when it is time to tell.
  bool tick(bool connected) {
    seconds_ = connected ? 0 : seconds_ + 1;
    return seconds_ == kFirstS || (seconds_ != 0 && seconds_ % kAgainS == 0);
  }
  std::uint32_t seconds() const { return seconds_; }

 private:
  std::uint32_t seconds_ = 0;
};

}  // namespace tandemq::broker
