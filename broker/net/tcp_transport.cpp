#include "broker/net/tcp_transport.h"

#include <event2/event.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "broker/net/priorities.h"
#include "broker/support/endpoint.h"

namespace tandemq::net {
namespace {

IoResult result_of(ssize_t moved) {
  if (moved > 0) return {Io::done, static_cast<std::size_t>(moved)};
  const bool later = moved < 0 && (errno == EAGAIN || errno == EINTR);
  return {later ? Io::later : Io::ended, 0};
}

std::string unix_peer(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return "unix";
  return "unix:uid-" + std::to_string(peer.uid) + ",pid-" + std::to_string(peer.pid);
}

}  // namespace

TcpTransport::TcpTransport(event_base* base, int fd) : base_(base) {
  event_assign(&event_, base_, fd, 0, on_event, this);
}

TcpTransport::~TcpTransport() {
  if (wanted_ != Ready{}) event_del(&event_);
  ::close(event_.ev_fd);
}

IoResult TcpTransport::read(char* to, std::size_t size_max) {
  return result_of(recv(event_.ev_fd, to, size_max, 0));
}

IoResult TcpTransport::write(std::string_view bytes) {
  return result_of(send(event_.ev_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

void TcpTransport::shut() {
  shutdown(event_.ev_fd, SHUT_WR);
}

bool TcpTransport::gone() const {
  pollfd one{event_.ev_fd, POLLRDHUP, 0};
  return poll(&one, 1, 0) > 0 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void TcpTransport::want(Ready what) {
  if (what == wanted_) return;
  if (wanted_ != Ready{}) event_del(&event_);
  wanted_ = what;
  if (what == Ready{}) return;
  const int events = (what.read ? EV_READ : 0) | (what.write ? EV_WRITE : 0) |
                     (what.gone ? EV_CLOSED : 0) | EV_PERSIST;
  event_assign(&event_, base_, event_.ev_fd, static_cast<short>(events), on_event, this);
  event_priority_set(&event_, kClientPriority);
  event_add(&event_, nullptr);
}

void TcpTransport::on_event(int, short what, void* arg) {
  auto& self = *static_cast<TcpTransport*>(arg);
  self.user_->transport_ready(
      {(what & EV_READ) != 0, (what & EV_WRITE) != 0, (what & EV_CLOSED) != 0});
}

std::string TcpTransport::peer_address() const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (getpeername(event_.ev_fd, raw, &size) != 0) return {};
  if (address.ss_family == AF_UNIX) return unix_peer(event_.ev_fd);
  return shown(*raw, size);
}

}  // namespace tandemq::net
