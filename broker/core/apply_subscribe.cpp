#include "broker/core/state_impl.h"

namespace tandemq::core {

void State::Impl::apply(Lsn lsn, const Subscribed& r, const Audience*) {
  note(lsn);
  Session& session = require(r.session);
  for (const SubscriptionFields& fields : r.subscriptions) subscriptions.add(session, fields);
}

void State::Impl::apply(Lsn lsn, const Unsubscribed& r, const Audience*) {
  note(lsn);
  Session& session = require(r.session);
  for (std::string_view filter : r.filters) subscriptions.remove(session, filter);
}

}  // namespace tandemq::core
