#include "broker/net/listener.h"

#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "broker/base/exit_code.h"
#include "broker/net/priorities.h"
#include "broker/net/tcp_transport.h"
#include "broker/support/endpoint.h"
#include "broker/support/log.h"

namespace tandemq::net {
namespace {

constexpr int kAcceptedAtOnce = 16;  // each costs some 50 us
constexpr int kBacklog = 4096;
// A peer that is gone without a word is found after two minutes, whatever it says of keep alive.
constexpr int kQuietS = 60, kProbeS = 10, kProbes = 6;

void set_option(int fd, int level, int option, int value = 1) {
  setsockopt(fd, level, option, &value, sizeof(value));
}

socklen_t size_of(const sockaddr_storage& address) {
  return address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

Error refused(const ListenAddress& address, const std::string& why, const std::string& remedy) {
  return {"cannot listen on " + shown({address.host, address.port}) + ": " + why + "; " + remedy,
          kExitEnvironment};
}

}  // namespace

Result<std::vector<std::unique_ptr<Listener>>> Listener::bind(event_base* base,
                                                              const ListenAddress& address,
                                                              const NameLookup::Found& found,
                                                              const Accept& accept) {
  std::vector<std::unique_ptr<Listener>> all;
  if (!address.socket.path.empty()) {
    all.emplace_back(new Listener(base, address, accept));
    const Status bound = all.back()->bind_socket();
    if (!bound) return bound.error();
    return all;
  }
  if (found.error != 0) return unknown_name(address, gai_strerror(found.error));
  for (const sockaddr_storage& to : found.addresses) {
    all.emplace_back(new Listener(base, address, accept));
    all.back()->to_ = to;
    all.back()->one_of_several_ = found.addresses.size() > 1;
    const Status bound = all.back()->bind_socket();
    if (!bound) return bound.error();
  }
  return all;
}

Listener::~Listener() {
  if (listening_) event_del(&event_);
  if (fd_ < 0) return;
  ::close(fd_);
  if (is_unix()) unlink(address_.socket.path.c_str());
}

Status Listener::bind_socket() {
  if (is_unix()) {
    const Result<int> bound = bind_unix(address_.socket);
    exclusive_ = static_cast<bool>(bound);
    if (!bound) {
      return Error{"cannot listen on " + address_.socket.path + ": " + bound.error().message,
                   kExitEnvironment};
    }
    fd_ = *bound;
    return Done{};
  }
  // Connections of an earlier life may be in the way of exclusive use, for a minute.
  exclusive_ = try_bind(false);
  if (exclusive_ || (errno == EADDRINUSE && try_bind(true))) return Done{};
  const int error = errno;
  return failure(std::strerror(error), remedy(error));
}

// On failure errno says why. Two sockets share a port while both allow it and neither listens: a
// program that came meanwhile and listened would keep this one from serving.
bool Listener::try_bind(bool shared) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = socket(to_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return false;
  if (shared) set_option(fd_, SOL_SOCKET, SO_REUSEADDR);
  set_option(fd_, IPPROTO_IP, IP_FREEBIND);  // the service address may be on the peer still
  if (one_of_several_) set_option(fd_, IPPROTO_IPV6, IPV6_V6ONLY);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&to_), size_of(to_)) == 0) return true;
  const int error = errno;
  ::close(fd_);
  fd_ = -1;
  errno = error;
  return false;
}

Status Listener::hold() {
  if (prepared_ || exclusive_) return Done{};
  return bind_socket();
}

Error Listener::failure(const std::string& why, const std::string& remedy) const {
  return refused(address_, why, remedy);
}

Error Listener::unknown_name(const ListenAddress& address, const std::string& why) {
  return refused(address, why, "set " + address.section + ".address to an address of this host");
}

std::string Listener::remedy(int error) const {
  const std::string& section = address_.section;
  switch (error) {
    case EADDRINUSE:
      return "another program has the port: stop it (`ss -ltnp` names it) or set " + section +
             ".port";
    case EADDRNOTAVAIL:
      return "set " + section + ".address to an address of this host or 0.0.0.0";
    case EACCES:
      return "ports below 1024 need CAP_NET_BIND_SERVICE: set another " + section + ".port";
    default:
      return "check " + section + ".address and " + section + ".port";
  }
}

Status Listener::prepare() {
  if (prepared_) return Done{};
  if (fd_ < 0) {
    Status bound = bind_socket();
    if (!bound) return bound;
  }
  // Inherited by connections, which must not be in the way of the next life of this node.
  set_option(fd_, SOL_SOCKET, SO_REUSEADDR);
  set_option(fd_, SOL_SOCKET, SO_KEEPALIVE);
  set_option(fd_, IPPROTO_TCP, TCP_KEEPIDLE, kQuietS);
  set_option(fd_, IPPROTO_TCP, TCP_KEEPINTVL, kProbeS);
  set_option(fd_, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
  if (listen(fd_, kBacklog) != 0) {
    const int error = errno;
    return failure(std::strerror(error), remedy(error));
  }
  prepared_ = true;
  return Done{};
}

Status Listener::open() {
  if (listening_) return Done{};
  Status prepared = prepare();
  if (!prepared) return prepared;
  event_assign(&event_, base_, fd_, EV_READ | EV_PERSIST, on_readable, this);
  event_priority_set(&event_, kClientPriority);
  event_add(&event_, nullptr);
  listening_ = true;
  return Done{};
}

void Listener::close() {
  if (!prepared_) return;
  if (listening_) event_del(&event_);
  ::close(fd_);
  fd_ = -1;
  exclusive_ = prepared_ = listening_ = starved_ = false;
  Status bound = bind_socket();
  if (!bound) log(LogLevel::warning, "listener_not_bound", {{"reason", bound.error().message}});
}

void Listener::retry() {
  if (!starved_) return;
  starved_ = false;
  event_add(&event_, nullptr);
}

void Listener::on_readable(int fd, short, void* self) {
  auto& listener = *static_cast<Listener*>(self);
  for (int i = 0; i < kAcceptedAtOnce && listener.listening_; ++i) {
    const int client = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0) {
      set_option(client, IPPROTO_TCP, TCP_NODELAY);
      listener.accept_(std::make_unique<TcpTransport>(listener.base_, client));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      log(LogLevel::warning, "accept_failed",
          {{"reason", std::strerror(errno)}, {"remedy", "raise LimitNOFILE of the service"}});
      event_del(&listener.event_);  // else the loop would spin; retry() takes it up again
      listener.starved_ = true;
    }
    return;
  }
}

}  // namespace tandemq::net
