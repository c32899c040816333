#include "broker/net/listeners.h"

#include <utility>

namespace tandemq::net {

Status Listeners::bind(event_base* base, const ListenAddress& address) {
  Result<std::vector<std::unique_ptr<Listener>>> bound =
      Listener::bind(base, address, [this, place = places_](std::unique_ptr<Transport> transport) {
        accept_(place, std::move(transport));
      });
  if (!bound) return bound.error();
  ++places_;
  for (auto& one : *bound) all_.push_back(std::move(one));
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
