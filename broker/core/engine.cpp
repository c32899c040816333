#include "broker/core/engine.h"

#include <utility>

#include "broker/core/engine_impl.h"

namespace tandemq::core {

Engine::Engine(State& state, RecordSink& sink, const Limits& limits, const Permissions* permissions,
               EngineCounters& counters)
    : impl_(std::make_unique<Impl>(state, sink, limits, permissions, counters)) {}
Engine::~Engine() = default;

const ReignFigures& Engine::reign_figures() const {
  return impl_->reign;
}

std::vector<Denial> Engine::take_denials() {
  return impl_->denials.take();
}

void Engine::rules_changed() {
  RouteRules& rules = impl_->rules;
  if (rules.permissions) rules.revision = rules.permissions->revision();
}

void Engine::refuse_growth(bool on) {
  impl_->growth_refused = on;
}

bool Engine::may_deliver(SeatId seat, std::string_view topic) const {
  const Session* session = impl_->seats[seat].session;
  return session && may_receive(impl_->rules, *session, topic);
}

ConnId Engine::connection_of(std::string_view client_id) const {
  const Session* session = impl_->s.find_client(client_id);
  return session ? impl_->seats.of(*session).attachment.conn : 0;
}

std::string_view Engine::user_of(SeatId seat) const {
  const Session* session = impl_->seats[seat].session;
  return session ? std::string_view(session->username) : std::string_view();
}

Engine::Impl::Impl(State& state, RecordSink& sink, const Limits& limits_,
                   const Permissions* permissions_, EngineCounters& counters_)
    : s(std::as_const(state).impl()),
      limits(limits_),
      counters(counters_),
      committer(state.impl(), sink),
      rules{s, seats, turns, limits, permissions_, permissions_ ? permissions_->revision() : 1} {
  TMQ_CHECK(limits.maximum_packet_size <= kPacketSizeMax &&
            limits.subscriptions_per_session_max <= kSubscriptionsMax);
  s.each_session([this](const Session& session) {
    Seat& seat = seats.give(session);
    seat.queue_due = session.queue_expiry_min;
    reign.sessions_before += session.orphaned;
    reschedule(seat);
  });
}

void Engine::Impl::refuse(Seat& seat, mqtt::Reason reason, Effects& out) {
  if (reason != mqtt::Reason::not_authorized) ++counters.protocol_errors;
  Effect& effect = out.emplace_back();
  effect.kind = EffectKind::disconnect;
  effect.reason = reason;
  effect.conn = seat.attachment.conn;
  seat.attachment.closing = true;
}

void Engine::Impl::attach(Seat& seat, ConnId conn, std::uint16_t window,
                          std::uint32_t packet_size_max) {
  const DeliveryQueue& queue = seat.session->queue;
  Attachment& attachment = seat.attachment;
  attachment = {};
  attachment.conn = conn;
  attachment.at_once_after = s.last_lsn;
  attachment.window = window;
  attachment.maximum_packet_size = packet_size_max;
  if (queue.inflight() != 0) attachment.resend_end = queue[queue.inflight() - 1].sequence + 1;
  for (std::size_t i = 0; i < queue.inflight(); ++i)
    attachment.resend_left += queue[i].stage == DeliveryStage::sent;
}

void Engine::Impl::reschedule(Seat& seat) {
  const Session& session = *seat.session;
  TimeMs due = 0;
  for (TimeMs at : {will_due(session), session_end(session), seat.queue_due})
    if (at != 0 && (due == 0 || at < due)) due = at;
  if (due == 0 || (seat.scheduled_at != 0 && seat.scheduled_at <= due)) return;
  seat.scheduled_at = due;
  schedule.push({due, session.id});
  if (schedule.size() > 64 + 4 * s.session_count())
    schedule.compact([this](const Schedule::Entry& entry) {
      const Session* held = s.find(entry.session);
      return held && seats.of(*held).scheduled_at == entry.at;
    });
}

void Engine::Impl::will_wait(Seat& seat, const Message& message) {
  const TimeMs at = message.expires_at();
  if (at == 0 || (seat.queue_due != 0 && seat.queue_due <= at)) return;
  seat.queue_due = at;
  reschedule(seat);
}

void Engine::Impl::remove_session(const Session& session, Effects& out) {
  const SessionId id = session.id;
  seats.vacate(session);
  commit(id, SessionRemoved{id}, out);
}

// More than one record may hold goes into several.
void Engine::Impl::drop(const Dropped& all, Effects& out) {
  const std::size_t most = std::max<std::size_t>(1, limits.record_list_bytes_max / 8);
  if (all.sequence.size() <= most) return commit(all.session, all, out);
  for (std::size_t at = 0; at < all.sequence.size(); at += most) {
    const auto from = all.sequence.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t count = std::min(most, all.sequence.size() - at);
    commit(all.session, Dropped{all.session, {from, from + static_cast<std::ptrdiff_t>(count)}},
           out);
  }
}

}  // namespace tandemq::core
