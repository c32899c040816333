#include "tests/bench/socket.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "broker/base/check.h"

namespace tandemq::bench {

void Socket::open(const Address& address) {
  close();
  fd_ = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return on_closed(strerror(errno));
  if (address.tls && !tls_) tls_ = std::make_unique<TlsStream>(address.tls);
  if (address.websocket) websocket_ = std::make_unique<WebSocket>();
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* name = reinterpret_cast<const sockaddr*>(&address.storage);
  state_ = State::connecting;
  const bool failed = connect(fd_, name, address.size) != 0 && errno != EINPROGRESS;
  const int error = errno;
  loop_.add(fd_, EPOLLOUT, this);
  if (failed) fail(strerror(error));
}

void Socket::close() {
  if (fd_ < 0) return;
  loop_.remove(fd_, this);
  if (tls_) tls_->stop();
  ::close(fd_);
  fd_ = -1;
  state_ = State::closed;
  waits_to_write_ = false;
  out_.clear();
  rest_.clear();
  sent_ = 0;
  framed_ = 0;
}

void Socket::fail(const char* why) {
  close();
  on_closed(why);
}

void Socket::on_events(std::uint32_t events) {
  if (state_ == State::connecting) return finish_connecting();
  if (state_ == State::shaking) return shake();
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive();
  if (state_ >= State::upgrading && (events & EPOLLOUT)) {
    waits_to_write_ = false;
    loop_.change(fd_, EPOLLIN, this);
    want_flush();
  }
}

void Socket::finish_connecting() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(strerror(error));
  if (!tls_) return opened();
  state_ = State::shaking;
  tls_->start(fd_);
  shake();
}

void Socket::shake() {
  switch (tls_->shake()) {
    case TlsStream::Shake::done:
      return opened();
    case TlsStream::Shake::wants_read:
      return loop_.change(fd_, EPOLLIN, this);
    case TlsStream::Shake::wants_write:
      return loop_.change(fd_, EPOLLOUT, this);
    case TlsStream::Shake::failed:
      return fail(tls_->error());
  }
}

void Socket::opened() {
  loop_.change(fd_, EPOLLIN, this);
  if (websocket_) return upgrade();
  state_ = State::open;
  on_open();
}

void Socket::upgrade() {
  state_ = State::upgrading;
  out_ = WebSocket::request("localhost");
  framed_ = out_.size();
  want_flush();
}

// True when the broker has agreed.
bool Socket::finish_upgrade(std::string_view answer) {
  switch (WebSocket::read_answer(answer)) {
    case WebSocket::Answer::need_more:
      rest_.assign(answer);
      return false;
    case WebSocket::Answer::refused:
      return fail("the broker refused the WebSocket"), false;
    case WebSocket::Answer::accepted:
      break;
  }
  rest_.clear();
  state_ = State::open;
  on_open();
  return state_ == State::open;
}

// What TLS has taken from the kernel already, no event tells of.
void Socket::receive() {
  while (receive_once() && tls_ && tls_->pending()) {
  }
}

bool Socket::receive_once() {
  std::vector<char>& buffer = loop_.receive_buffer();
  if (buffer.size() < rest_.size() * 2) buffer.resize(rest_.size() * 2);
  std::memcpy(buffer.data(), rest_.data(), rest_.size());
  const std::size_t room = buffer.size() - rest_.size();
  char* const into = buffer.data() + rest_.size();
  const ssize_t got = tls_ ? tls_->read(into, room) : recv(fd_, into, room, 0);
  if (got == 0) return fail("closed by the broker"), false;
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    return fail(strerror(errno)), false;
  }
  auto size = static_cast<std::size_t>(got);
  if (state_ == State::upgrading) return finish_upgrade({buffer.data(), rest_.size() + size});
  if (websocket_) size = websocket_->unframe(into, size);
  const std::string_view data(buffer.data(), rest_.size() + size);
  const std::size_t taken = on_data(data);
  if (state_ != State::open) return false;
  rest_.assign(data.substr(taken));
  return true;
}

// All that has gathered is one frame.
void Socket::frame_output() {
  if (framed_ == out_.size()) return;
  out_.insert(framed_, WebSocket::header(out_.size() - framed_));
  framed_ = out_.size();
}

void Socket::flush() {
  flush_wanted_ = false;
  if (state_ < State::upgrading || waits_to_write_ || unsent() == 0) return;
  if (websocket_) frame_output();
  const char* const from = out_.data() + sent_;
  const ssize_t wrote =
      tls_ ? tls_->write(from, unsent()) : send(fd_, from, unsent(), MSG_NOSIGNAL);
  if (wrote < 0 && errno != EAGAIN && errno != EINTR) return fail(strerror(errno));
  if (wrote > 0) sent_ += static_cast<std::size_t>(wrote);
  if (unsent() == 0) {
    out_.clear();
    sent_ = 0;
    framed_ = 0;
    return;
  }
  if (sent_ > out_.size() / 2) {
    out_.erase(0, sent_);
    framed_ -= std::min(framed_, sent_);
    sent_ = 0;
  }
  waits_to_write_ = true;
  loop_.change(fd_, EPOLLIN | EPOLLOUT, this);
}

}  // namespace tandemq::bench
