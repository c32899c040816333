#include "broker/core/schedule.h"

namespace tandemq::core {

namespace {

constexpr TimeMs kGraceWithoutKeepAlive = 60'000;

// How long a client whose primary died may take to come back.
TimeMs grace(const Session& session) {
  return session.keep_alive_s == 0 ? kGraceWithoutKeepAlive : session.keep_alive_s * TimeMs{1500};
}

}  // namespace

TimeMs session_end(const Session& session) {
  if (session.connected || session.expiry_s == kNeverExpires) return 0;
  TimeMs wait = session.expiry_s * TimeMs{1000};
  if (session.orphaned) wait = std::max(wait, grace(session));
  return std::max<TimeMs>(session.closed_at + wait, 1);
}

TimeMs will_due(const Session& session) {
  if (session.connected || !session.will) return 0;
  TimeMs wait = session.will->delay_s * TimeMs{1000};
  if (session.orphaned) wait = std::max(wait, grace(session));
  const TimeMs due = std::max<TimeMs>(session.closed_at + wait, 1);
  const TimeMs end = session_end(session);
  return end != 0 ? std::min(due, end) : due;
}

}  // namespace tandemq::core
