#include "failover/core/health.h"

#include <algorithm>

namespace tandemq::failover {
namespace {

constexpr int kSuspicions = 3;  // turns of the loop in which the answer could have been read
// Only the broker of a whole pair is worth killing at once: the peer takes over. Elsewhere a kill
// brings a restart and nothing else, and the loop may have reason to be slow: a snapshot to
// install, a journal to begin on a busy disk.
constexpr std::uint64_t kPatience = 10, kStandbyPatience = 3;
// What a broker announces (a snapshot to take over) lasts as long as its state is large.
constexpr std::uint64_t kBusyMs = 15 * 60'000;
// An overloaded host is no hang; one that gives its broker nothing for so long is as bad.
constexpr std::uint64_t kStarvedPatience = 5;
constexpr TimeMs kYoungMs = 2000;
constexpr std::uint64_t kFirstAnswerMs = 10000;

}  // namespace

void Health::connected(TimeMs now) {
  known_ = busy_ = false;
  suspected_ = 0;
  lost_at_ = 0;
  called(now);
}

void Health::disconnected(TimeMs now) {
  waits_ = false;
  lost_at_ = now;
}

void Health::ended() {
  waits_ = known_ = busy_ = false;
  lost_at_ = 0;
}

void Health::called(TimeMs now) {
  waits_ = true;
  called_at_ = now;
}

void Health::stood_still(TimeMs now) {
  if (waits_) called_at_ = now;
  suspected_ = 0;
}

void Health::heard(const BrokerStatus& status, bool busy, TimeMs now) {
  if (!known_) known_since_ = now;
  known_ = true;
  busy_ = busy;
  status_ = status;
}

std::uint64_t Health::limit(TimeMs now) const {
  if (!known_) return std::max(kFirstAnswerMs, kPatience * timeout_ms_);
  if (busy_) return kBusyMs;
  if (now < known_since_ + kYoungMs || status_.pair_state != PairState::paired) {
    return kPatience * timeout_ms_;
  }
  return status_.role == Role::primary ? timeout_ms_ : kStandbyPatience * timeout_ms_;
}

bool Health::hung(TimeMs now, const std::function<bool(TimeMs since)>& starved) {
  if (!waits_) return false;
  const std::uint64_t limit = this->limit(now);
  if (now < called_at_ + limit ||
      (now < called_at_ + kStarvedPatience * limit && starved(called_at_))) {
    suspected_ = 0;
    return false;
  }
  if (++suspected_ < kSuspicions) return false;
  suspected_ = 0;
  called_at_ = now;
  return true;
}

bool Health::lost_for_long(TimeMs now) {
  if (lost_at_ == 0 || now <= lost_at_ + kPatience * timeout_ms_) return false;
  lost_at_ = now;
  return true;
}

}  // namespace tandemq::failover
