#include "broker/core/engine.h"

#include "broker/core/engine_impl.h"

namespace tandemq::core {

Engine::Engine(State& state, RecordSink& sink, const Limits& limits, const Permissions* permissions)
    : impl_(std::make_unique<Impl>(state, sink, limits, permissions)) {}
Engine::~Engine() = default;

const EngineCounters& Engine::counters() const {
  return impl_->counters;
}

void Engine::rules_changed() {
  if (impl_->permissions) impl_->revision = impl_->permissions->revision();
}

bool Engine::may_deliver(SessionId id, std::string_view topic) const {
  const Session* session = impl_->s.find(id);
  return session && may_receive(impl_->rules(), *session, topic);
}

void Engine::Impl::refuse(Session& session, mqtt::Reason reason, Effects& out) {
  ++counters.protocol_errors;
  Effect& effect = out.emplace_back();
  effect.kind = EffectKind::disconnect;
  effect.reason = reason;
  effect.conn = session.link.conn;
  session.link.closing = true;
}

}  // namespace tandemq::core
