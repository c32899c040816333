#include "broker/net/listeners.h"

#include <utility>

namespace tandemq::net {

Status Listeners::bind(event_base* base, ListenAddress address) {
  const std::size_t place = all_.size();
  Result<std::unique_ptr<Listener>> bound =
      Listener::bind(base, std::move(address), [this, place](std::unique_ptr<Transport> transport) {
        accept_(place, std::move(transport));
      });
  if (!bound) return bound.error();
  all_.push_back(std::move(bound).value());
  return Done{};
}

Status Listeners::each(Status (Listener::*what)()) {
  for (const auto& listener : all_) {
    Status done = (*listener.*what)();
    if (!done) return done;
  }
  return Done{};
}

void Listeners::close() {
  for (const auto& listener : all_) listener->close();
}

void Listeners::retry() {
  for (const auto& listener : all_) listener->retry();
}

}  // namespace tandemq::net
