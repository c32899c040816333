#include "failover/core/keepalived_care.h"

#include <utility>

namespace tandemq::failover {
namespace {

constexpr TimeMs kTouchMs = 1000;
constexpr TimeMs kDeafMs = 5000;
constexpr TimeMs kRestartMs = 30000;

}  // namespace

Cure KeepalivedCare::judge(const State& s, const std::function<bool()>& source_here) {
  const Facts& f = s.facts;
  if (replaced_ && f.keepalived_alive && f.interface_up && source_here()) {
    replaced_ = false;
    return Cure::reload;
  }
  const bool deaf = s.eligible && f.vrrp == Vrrp::fault && f.interface_up && f.keepalived_alive;
  if (!deaf) deaf_since_ = 0;
  if (!deaf) return Cure::none;
  if (deaf_since_ == 0) deaf_since_ = f.now;
  const bool again = restarted_at_ == 0 || f.now >= restarted_at_ + kRestartMs;
  if (f.now >= deaf_since_ + kDeafMs && again && source_here()) {
    restarted_at_ = f.now;
    deaf_since_ = 0;
    return Cure::restart;
  }
  if (f.now <= s.eligible_since + kTouchMs || f.now <= touched_at_ + kTouchMs) return Cure::none;
  touched_at_ = f.now;
  return Cure::touch;
}

}  // namespace tandemq::failover
