// One listening socket. It is bound from the start and to the exclusion of others, so that a port
// that is taken is found at once and nobody takes it while this node stands by; but it listens only
// between prepare() or open() and close(): until then connections are refused.
#pragma once

#include <event2/event_struct.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/net/name_lookup.h"
#include "broker/net/transport.h"
#include "broker/net/unix_socket.h"

struct event_base;

namespace tandemq::net {

struct ListenAddress {
  std::string section;  // of the configuration, named in remedies: "listener"
  std::string host;
  std::uint16_t port = 0;
  UnixSocket socket = {};  // with a path: instead of host and port
};

class Listener {
 public:
  using Accept = std::function<void(std::unique_ptr<Transport>)>;

  // Binds: one for each address that was found for the host's name, none where it is a path. An
  // error (code 3) names address, port and remedy. The loop outlives them.
  static Result<std::vector<std::unique_ptr<Listener>>> bind(event_base* base,
                                                             const ListenAddress& address,
                                                             const NameLookup::Found& found,
                                                             const Accept& accept);
  static Error unknown_name(const ListenAddress& address, const std::string& why);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Connections are completed by the kernel and wait for open(): what can fail of it has not.
  Status prepare();
  Status open();
  // Refuses from now on, and resets what was not accepted yet.
  void close();
  bool listening() const { return listening_; }
  // For a socket that does not listen: tries again for what another socket denied it, the port or
  // its exclusive use. An error means that the port is another program's now.
  Status hold();
  const ListenAddress& address() const { return address_; }

  // Takes up accepting again after it ran out of file descriptors; call about once a second.
  void retry();

 private:
  Listener(event_base* base, ListenAddress address, Accept accept)
      : base_(base), address_(std::move(address)), accept_(std::move(accept)) {}
  bool is_unix() const { return !address_.socket.path.empty(); }
  Status bind_socket();
  bool try_bind(bool shared);
  Error failure(const std::string& why, const std::string& remedy) const;
  std::string remedy(int error) const;
  static void on_readable(int fd, short what, void* self);

  event_base* base_;
  const ListenAddress address_;
  Accept accept_;
  sockaddr_storage to_{};  // asked for once: a resolver may be slow, or gone
  bool one_of_several_ = false;
  int fd_ = -1;
  bool exclusive_ = false;  // no other socket can be bound to the port
  bool prepared_ = false;
  bool listening_ = false;
  bool starved_ = false;
  struct event event_ {};
};

}  // namespace tandemq::net
