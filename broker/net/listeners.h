// All listening sockets of a node: they open and close together.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "broker/net/listener.h"

namespace tandemq::net {

class Listeners {
 public:
  // Gets what a listener accepted, with the listener's place in the order of bind().
  using Accept = std::function<void(std::size_t listener, std::unique_ptr<Transport>)>;

  explicit Listeners(Accept accept) : accept_(std::move(accept)) {}

  // Each call is a place; a name with several addresses is served on all of them. One that nobody
  // resolves for the time being is looked up again: until then prepare() and open() refuse.
  Status bind(event_base* base, const ListenAddress& address);

  // The error of the first that cannot; those before it have done it then.
  Status prepare() { return each_of_all(&Listener::prepare); }
  Status open() { return each_of_all(&Listener::open); }
  // Of what waits for its name nothing is asked but that it be looked up again.
  Status hold();
  void close();
  // Gives all sockets up.
  void clear() {
    all_.clear();
    unresolved_.clear();
  }
  bool listening() const { return !all_.empty() && all_.front()->listening(); }
  // As Listener::retry.
  void retry();

  const std::vector<std::unique_ptr<Listener>>& all() const { return all_; }

 private:
  struct Unresolved {
    event_base* base;
    ListenAddress address;
    std::size_t place;
    NameLookup lookup;
  };
  Status bind_found(const Unresolved& one, const NameLookup::Found& found);
  Status look_again();
  Status each_of_all(Status (Listener::*what)());
  Status each(Status (Listener::*what)());

  Accept accept_;
  std::vector<std::unique_ptr<Listener>> all_;
  std::vector<Unresolved> unresolved_;
  std::size_t places_ = 0;
};

}  // namespace tandemq::net
