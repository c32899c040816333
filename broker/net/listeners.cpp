#include "broker/net/listeners.h"

#include <netdb.h>

#include <chrono>
#include <utility>

#include "broker/support/log.h"

namespace tandemq::net {
namespace {

constexpr std::chrono::milliseconds kPatience{3000};  // at the start, with a resolver

}  // namespace

Status Listeners::bind(event_base* base, const ListenAddress& address) {
  const std::size_t place = places_++;
  Unresolved one{base, address, place, NameLookup(address.host, address.port)};
  if (!address.socket.path.empty()) return bind_found(one, {});
  const NameLookup::Found* found = one.lookup.wait(kPatience);
  if (found && found->error != EAI_AGAIN) return bind_found(one, *found);
  log(LogLevel::warning, "listener_unresolved",
      {{"address", address.host},
       {"reason", found ? gai_strerror(found->error) : "no answer from the resolver"},
       {"remedy", "it is looked up again; until then this node cannot be promoted. An address in " +
                      address.section + ".address needs no resolver"}});
  unresolved_.push_back(std::move(one));
  return Done{};
}

Status Listeners::bind_found(const Unresolved& one, const NameLookup::Found& found) {
  Result<std::vector<std::unique_ptr<Listener>>> bound =
      Listener::bind(one.base, one.address, found,
                     [this, place = one.place](std::unique_ptr<Transport> transport) {
                       accept_(place, std::move(transport));
                     });
  if (!bound) return bound.error();
  for (auto& listener : *bound) all_.push_back(std::move(listener));
  return Done{};
}

Status Listeners::look_again() {
  for (auto one = unresolved_.begin(); one != unresolved_.end();) {
    const NameLookup::Found* found = one->lookup.wait(std::chrono::milliseconds(0));
    if (found && found->error == EAI_AGAIN) {
      one->lookup = NameLookup(one->address.host, one->address.port);
      found = nullptr;
    }
    if (!found) {
      ++one;
      continue;
    }
    Status bound = bind_found(*one, *found);
    if (!bound) return bound;
    log(LogLevel::notice, "listener_resolved", {{"address", one->address.host}});
    one = unresolved_.erase(one);
  }
  return Done{};
}

Status Listeners::hold() {
  Status looked = look_again();
  return looked ? each(&Listener::hold) : looked;
}

Status Listeners::each_of_all(Status (Listener::*what)()) {
  if (unresolved_.empty()) return each(what);
  return Listener::unknown_name(unresolved_.front().address, "the resolver does not answer yet");
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
