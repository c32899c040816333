#include "replicator/shell/link_stream.h"

#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "broker/base/check.h"

namespace tandemq::repl {
namespace {

constexpr std::size_t kReadBytes = 256u << 10;  // room for one read
constexpr std::size_t kTurnBytes = 1u << 20;    // read in one wake-up, at most about
constexpr std::size_t kKeepBytes = 4u << 20;    // of an empty buffer
constexpr std::size_t kLowWater = 1u << 20;     // LinkHost::link_drained

}  // namespace

LinkStream::LinkStream(event_base* base, int fd, std::uint32_t message_max)
    : base_(base), fd_(fd), message_max_(message_max) {
  read_event_ = event_new(base_, fd_, EV_READ | EV_PERSIST, on_event, this);
  write_event_ = event_new(base_, fd_, EV_WRITE, on_event, this);
  TMQ_CHECK(read_event_ != nullptr && write_event_ != nullptr);
}

LinkStream::~LinkStream() {
  close();
}

void LinkStream::close() {
  if (fd_ < 0) return;
  event_free(read_event_);
  event_free(write_event_);
  read_event_ = write_event_ = nullptr;
  ::close(fd_);
  fd_ = -1;
}

void LinkStream::wait_connected(std::uint32_t timeout_ms,
                                std::function<void(const std::string&)> opened) {
  opened_ = std::move(opened);
  const timeval timeout{timeout_ms / 1000, static_cast<suseconds_t>(timeout_ms % 1000) * 1000};
  event_add(write_event_, &timeout);
}

void LinkStream::start_reading(std::uint32_t first_message_ms) {
  const timeval timeout{first_message_ms / 1000,
                        static_cast<suseconds_t>(first_message_ms % 1000) * 1000};
  event_del(read_event_);  // takes an older timeout away
  event_add(read_event_, first_message_ms != 0 ? &timeout : nullptr);
}

void LinkStream::on_event(int, short what, void* self) {
  auto* stream = static_cast<LinkStream*>(self);
  if (stream->opened_) {
    const auto opened = std::move(stream->opened_);
    stream->opened_ = nullptr;
    int error = 0;
    socklen_t size = sizeof(error);
    ::getsockopt(stream->fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (what & EV_TIMEOUT) error = ETIMEDOUT;
    return opened(error == 0 ? "" : std::strerror(error));
  }
  if (what & EV_TIMEOUT) return stream->fail("no message in time");
  if (what & EV_READ) return stream->on_readable();
  stream->on_writable();
}

LinkStream::Io LinkStream::read_some(std::string& error) {
  if (in_.size() - in_used_ < kReadBytes) in_.resize(in_used_ + 2 * kReadBytes + in_used_ / 2);
  const ssize_t n = ::recv(fd_, in_.data() + in_used_, in_.size() - in_used_, 0);
  if (n > 0) {
    in_used_ += static_cast<std::size_t>(n);
    received_bytes_ += static_cast<std::uint64_t>(n);
    return Io::done;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Io::again;
  error = n == 0 ? "the peer closed the connection" : std::strerror(errno);
  return Io::failed;
}

LinkStream::Io LinkStream::write_some(const iovec* parts, int count, std::size_t& written,
                                      std::string& error) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = static_cast<std::size_t>(count);
  const ssize_t n = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
  written = n > 0 ? static_cast<std::size_t>(n) : 0;
  sent_bytes_ += written;
  if (n >= 0) return Io::done;
  if (errno == EAGAIN || errno == EINTR) return Io::again;
  error = std::strerror(errno);
  return Io::failed;
}

void LinkStream::on_readable() {
  std::string error;
  std::size_t before = received_bytes_;
  Io result = Io::done;
  const std::uint64_t turn_end = received_bytes_ + kTurnBytes;
  while (fd_ >= 0 && received_bytes_ < turn_end) {
    const std::size_t room = std::max(in_.size() - in_used_, kReadBytes);
    before = received_bytes_;
    result = read_some(error);
    if (result != Io::done || !decode_all()) break;
    if (received_bytes_ - before < room) break;  // nothing more is there for now
  }
  if (fd_ >= 0 && callbacks_.turn_ended) callbacks_.turn_ended();
  if (fd_ >= 0 && result == Io::failed) fail(error);
}

// False when the stream is closed.
bool LinkStream::decode_all() {
  std::size_t at = 0;
  while (fd_ >= 0) {
    Message message;
    std::size_t size = 0;
    const std::string_view rest(in_.data() + at, in_used_ - at);
    const WireRead read = decode(rest, message, size, message_max_);
    if (read == WireRead::need_more) break;
    if (read == WireRead::damaged) return fail("the peer sent bytes that are no message"), false;
    at += size;
    const auto handler = callbacks_.message;  // it may replace the callbacks
    handler(message);
  }
  if (fd_ < 0) return false;
  if (at > 0) {
    in_used_ -= at;
    std::memmove(in_.data(), in_.data() + at, in_used_);
    if (in_used_ == 0 && in_.size() > kKeepBytes) in_ = std::string();
  }
  return true;
}

void LinkStream::send(std::string_view head, std::string_view body) {
  if (fd_ < 0) return;
  std::size_t written = 0;
  std::string error;
  if (unsent() == 0) {
    const iovec parts[2] = {{const_cast<char*>(head.data()), head.size()},
                            {const_cast<char*>(body.data()), body.size()}};
    // A broken connection shows itself to the reader.
    if (write_some(parts, 2, written, error) == Io::failed) return;
    if (written == head.size() + body.size()) return;
    out_.clear();
    out_at_ = 0;
    event_add(write_event_, nullptr);
  }
  const std::size_t of_head = std::min(written, head.size());
  out_.append(head.substr(of_head));
  out_.append(body.substr(written - of_head));
}

void LinkStream::on_writable() {
  while (unsent() > 0) {
    const iovec part{out_.data() + out_at_, unsent()};
    std::size_t written = 0;
    std::string error;
    const Io result = write_some(&part, 1, written, error);
    if (result == Io::failed) return fail(error);
    if (result == Io::again) break;
    out_at_ += written;
  }
  if (unsent() == 0) {
    out_.clear();
    out_at_ = 0;
    if (out_.capacity() > kKeepBytes) out_.shrink_to_fit();
  } else {
    if (out_at_ > kKeepBytes) out_.erase(0, out_at_), out_at_ = 0;
    event_add(write_event_, nullptr);
  }
  if (unsent() < kLowWater && callbacks_.drained) callbacks_.drained();
}

void LinkStream::fail(const std::string& reason) {
  if (fd_ < 0) return;
  close();
  const auto closed = callbacks_.closed;
  if (closed) closed(reason);
}

}  // namespace tandemq::repl
