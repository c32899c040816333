#include "broker/core/state.h"

#include <algorithm>
#include <memory>

#include "broker/base/check.h"
#include "broker/core/state_impl.h"
#include "broker/core/text_hash.h"

namespace tandemq::core {

namespace {

constexpr std::uint16_t kFirstCoreKind = 16;

}  // namespace

State::Impl::Impl(std::uint64_t table_seed)
    : seed(table_seed), subscriptions(table_seed), retained(table_seed) {}

State::Impl::~Impl() {
  by_id.each([](Session& session) { delete &session; });
}

const Session* State::Impl::find_client(std::string_view client_id) const {
  return by_client.find(hash_text(client_id, seed), [client_id](const Session& session) {
    return session.client_id == client_id;
  });
}

std::vector<const Session*> State::Impl::durable_sessions() const {
  std::vector<const Session*> sessions;
  sessions.reserve(by_id.size());
  each_session([&sessions](const Session& session) {
    if (!is_volatile(session.id)) sessions.push_back(&session);
  });
  std::sort(sessions.begin(), sessions.end(),
            [](const Session* a, const Session* b) { return a->id < b->id; });
  return sessions;
}

State::State(std::uint64_t table_seed) : impl_(std::make_unique<Impl>(table_seed)) {}
State::~State() = default;

Status State::apply_encoded(Lsn lsn, Kind kind, std::string_view body, std::uint8_t version) {
  const auto number = static_cast<std::uint16_t>(kind);
  if (kind != Kind::reign_began && number < kFirstCoreKind) {
    impl_->note(lsn);
    return Done{};
  }
  if (const char* fault = impl_->apply_encoded(lsn, kind, body, version))
    return Error{"record " + std::to_string(lsn) + " (kind " + std::to_string(number) + ") " +
                 fault + "; synchronise this node from its peer or restore a backup"};
  return Done{};
}

MetaRow State::meta() const {
  return {impl_->last_lsn, impl_->epoch, impl_->time, impl_->next_session};
}

StateFigures State::figures() const {
  const Impl& s = *impl_;
  StateFigures figures;
  figures.sessions = s.session_count();
  figures.sessions_connected = s.connected;
  figures.subscriptions = s.subscriptions.size();
  figures.retained = s.retained.size();
  figures.retained_bytes = s.retained.bytes();
  figures.queued = s.queued;
  figures.queued_bytes = s.queued_bytes;
  figures.users = s.accounts.users.size();
  figures.roles = s.accounts.roles.size();
  return figures;
}

const Accounts& State::accounts() const {
  return impl_->accounts;
}

RowVisitor& State::restorer() {
  return impl_->restorer;
}

// In its place: an engine keeps a reference to it.
void State::clear() {
  const std::uint64_t seed = impl_->seed;
  std::destroy_at(impl_.get());
  std::construct_at(impl_.get(), seed);
}

void State::demote() {
  std::vector<SessionId> gone;
  impl_->each_session([&gone](const Session& session) {
    if (is_volatile(session.id)) gone.push_back(session.id);
  });
  for (SessionId id : gone) impl_->apply(0, SessionRemoved{id}, nullptr);
}

}  // namespace tandemq::core
