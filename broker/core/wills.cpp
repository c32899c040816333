#include "broker/core/engine_impl.h"

namespace tandemq::core {

// Publishes the will as the session's client would have, with its rights; it is settled either way.
void Engine::Impl::publish_will(const Session& session, TimeMs now, Effects& out) {
  const WillRecord will = *session.will;
  Publication p;
  p.fields = will.message->fields();
  if (will.has_message_expiry) p.fields.expires_at = now + will.message_expiry_s * TimeMs{1000};
  if (check_publish(session, p.fields.topic) != mqtt::Reason::success) {
    commit(session.id, WillSettled{session.id}, out);
    return;
  }
  p.publisher = &session;
  p.is_will = true;
  p.retain = decide_retain(p.fields);
  ++counters.wills_published;
  distribute(p, now, out);
}

}  // namespace tandemq::core
