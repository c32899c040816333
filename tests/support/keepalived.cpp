#include "tests/support/keepalived.h"

#include <utility>

namespace tandemq::test {
namespace {

using failover::Vrrp;

constexpr TimeMs kAdvertMs = 100;
// Measured with 2.2.7, which also sees what was removed while it was stopped.
constexpr TimeMs kRestoreMs = 65;

void become(Keepalived& node, Vrrp state, const VrrpAround& around) {
  const Vrrp before = std::exchange(node.vrrp, state);
  if (before == state) return;
  around.changed(node, state);
  if (state == Vrrp::master || before == Vrrp::master) around.address(node, state == Vrrp::master);
}

}  // namespace

void Keepalived::told(bool now_eligible, unsigned now_claim, TimeMs now) {
  if (claim != now_claim) advert_heard = now;
  eligible = now_eligible;
  claim = now_claim;
}

void keepalived_turn(Keepalived& own, Keepalived& other, TimeMs now, const VrrpAround& around) {
  if (!own.eligible || !own.interface_up) {
    // It says so with a last advert of priority 0.
    if (own.vrrp == Vrrp::master && around.reaches) other.advert_heard = now - 3 * kAdvertMs;
    return become(own, Vrrp::fault, around);
  }
  if (own.vrrp == Vrrp::fault || own.vrrp == Vrrp::unknown) {
    own.advert_heard = now;
    return become(own, Vrrp::backup, around);
  }
  if (own.vrrp == Vrrp::backup && now >= own.advert_heard + 3 * kAdvertMs + own.index) {
    become(own, Vrrp::master, around);
    own.advert_due = now;
  }
  if (own.vrrp == Vrrp::master && !own.address) {
    own.advert_heard = now + kRestoreMs - 3 * kAdvertMs;
    return become(own, Vrrp::backup, around);
  }
  if (own.vrrp != Vrrp::master || now < own.advert_due) return;
  own.advert_due = now + kAdvertMs;
  if (!around.reaches || !other.alive || around.lost()) return;
  if (own.priority() < other.priority()) return;  // it discards that
  other.advert_heard = now;
  if (other.vrrp == Vrrp::master) become(other, Vrrp::backup, around);
}

}  // namespace tandemq::test
