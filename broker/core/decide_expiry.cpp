// What time brings: wills, sessions, queued and retained messages that are due.
#include <algorithm>

#include "broker/core/engine_impl.h"

namespace tandemq::core {

namespace {

// A queue is looked through at most this often for expired messages.
constexpr TimeMs kQueueScanPause = 1000;

}  // namespace

std::size_t Engine::Impl::expire_queued(Seat& seat, TimeMs now, Effects& out) {
  if (seat.queue_due == 0 || seat.queue_due > now) return 0;
  const Session& session = *seat.session;
  dropped.session = session.id;
  dropped.sequence.clear();
  TimeMs next = 0;
  for (std::size_t i = session.queue.inflight(); i < session.queue.size(); ++i) {
    const Delivery& delivery = session.queue[i];
    const TimeMs at = delivery.message->expires_at();
    if (delivery.message->expired(now))
      dropped.sequence.push_back(delivery.sequence);
    else if (at != 0 && (next == 0 || at < next))
      next = at;
  }
  seat.queue_due = next == 0 ? 0 : std::max(next, now + kQueueScanPause);
  if (dropped.sequence.empty()) return 0;
  counters.dropped_expired += dropped.sequence.size();
  drop(dropped, out);
  return 1;
}

// Its entry in the schedule has been taken out.
std::size_t Engine::Impl::expire_session(Seat& seat, TimeMs now, Effects& out) {
  const Session& session = *seat.session;
  const TimeMs will_at = will_due(session);
  const TimeMs end_at = session_end(session);
  seat.scheduled_at = 0;
  std::size_t records = 0;
  if (will_at != 0 && will_at <= now) {
    publish_will(session, now, out);
    ++records;
  }
  if (end_at != 0 && end_at <= now) {
    const std::size_t before = session.queue.size();
    if (end_session(session, now, true, out)) {
      ++counters.sessions_expired;
      return records + 1;
    }
    return records + before - session.queue.size();
  }
  records += expire_queued(seat, now, out);
  reschedule(seat);
  return records;
}

TimeMs Engine::expire(TimeMs now, std::size_t budget, Effects& out) {
  Impl& e = *impl_;
#ifdef TANDEMQ_NEXT
  if (e.committer.writes(Kind::noted) != 0) e.commit(kNoSession, Noted{now}, out);
#endif
  Schedule& schedule = e.schedule;
  std::size_t records = 0;
  while (!schedule.empty() && schedule.top().at <= now && records < budget) {
    const Schedule::Entry entry = schedule.top();
    schedule.pop();
    const Session* session = e.s.find(entry.session);
    if (!session) continue;
    Seat& seat = e.seats.of(*session);
    if (seat.scheduled_at == entry.at) records += e.expire_session(seat, now, out);
  }
  auto retained = e.s.retained.next_expiry();
  while (retained.first != 0 && retained.first <= now && records < budget) {
    e.cursors->topic_goes(e.s.retained, retained.second);
    e.commit(kNoSession, RetainedExpired{retained.second}, out);
    ++e.counters.dropped_expired;
    ++records;
    retained = e.s.retained.next_expiry();
  }
  TimeMs next = retained.first;
  if (!schedule.empty() && (next == 0 || schedule.top().at < next)) next = schedule.top().at;
  return next;
}

}  // namespace tandemq::core
