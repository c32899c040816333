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
static_assert(LinkCipher::kPlainMax <= kReadBytes);

// The head of a ClientHello.
bool is_tls(std::string_view bytes) {
  return bytes.size() > 5 && bytes[0] == 0x16 && bytes[1] == 0x03 && bytes[5] == 0x01;
}

}  // namespace

LinkStream::LinkStream(event_base* base, int fd, std::uint32_t message_max, std::string unlike)
    : base_(base), fd_(fd), message_max_(message_max), unlike_(std::move(unlike)) {
  read_event_ = event_new(base_, fd_, EV_READ | EV_PERSIST, on_event, this);
  write_event_ = event_new(base_, fd_, EV_WRITE, on_event, this);
  deadline_ = evtimer_new(base_, on_deadline, this);
  TMQ_CHECK(read_event_ != nullptr && write_event_ != nullptr && deadline_ != nullptr);
}

LinkStream::~LinkStream() {
  close();
}

void LinkStream::close() {
  if (fd_ < 0) return;
  event_free(read_event_);
  event_free(write_event_);
  event_free(deadline_);
  read_event_ = write_event_ = deadline_ = nullptr;
  ::close(fd_);
  fd_ = -1;
}

void LinkStream::wait_connected(std::uint32_t timeout_ms,
                                std::function<void(const std::string&)> opened) {
  opened_ = std::move(opened);
  const timeval timeout{timeout_ms / 1000, static_cast<suseconds_t>(timeout_ms % 1000) * 1000};
  event_add(write_event_, &timeout);
}

void LinkStream::shake_hands(const LinkTls& tls, bool dials, std::function<void()> shaken) {
  cipher_ = std::make_unique<LinkCipher>(tls, dials, out_);
  shaken_ = std::move(shaken);
  cipher_->shake();  // who dials speaks first
  start_reading();
  if (unsent() > 0) event_add(write_event_, nullptr);
}

void LinkStream::start_reading() {
  event_add(read_event_, nullptr);
}

void LinkStream::set_deadline(std::uint32_t ms) {
  event_del(deadline_);
  const timeval after{ms / 1000, static_cast<suseconds_t>(ms % 1000) * 1000};
  if (ms != 0) event_add(deadline_, &after);
}

void LinkStream::on_deadline(int, short, void* self) {
  auto* stream = static_cast<LinkStream*>(self);
  stream->fail({stream->shaken_ ? "no TLS handshake in time" : "no message in time"});
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
  if (what & EV_READ) return stream->on_readable();
  stream->on_writable();
}

LinkStream::Io LinkStream::receive(char* to, std::size_t size_max, std::size_t& size, End& end) {
  const ssize_t n = ::recv(fd_, to, size_max, 0);
  size = n > 0 ? static_cast<std::size_t>(n) : 0;
  received_bytes_ += size;
  if (n > 0) return Io::done;
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Io::again;
  end.reason = n == 0 ? "the peer closed the connection" : std::strerror(errno);
  if (shaken_) end.reason += ", in the middle of the TLS handshake";
  return Io::failed;
}

// `more`: it was filled, and there may be more.
LinkStream::Io LinkStream::read_plain(bool& more, End& end) {
  const std::size_t room = in_.size() - in_used_;
  std::size_t size = 0;
  const Io result = receive(in_.data() + in_used_, room, size, end);
  in_used_ += size;
  more = size == room;
  return result;
}

// What one receive brings is decrypted whole.
LinkStream::Io LinkStream::read_sealed(bool& more, End& end) {
  std::size_t size = 0;
  Io result = receive(cipher_->room(), LinkCipher::kRoom, size, end);
  if (result != Io::done) return result;
  more = size == LinkCipher::kRoom;
  cipher_->received(size);
  if (shaken_) result = shake(end);
  if (result != Io::done) return result;
  while (true) {
    switch (cipher_->read(in_.data() + in_used_, in_.size() - in_used_, size)) {
      case LinkCipher::Io::done:
        in_used_ += size;
        break;
      case LinkCipher::Io::again:
        return Io::done;
      case LinkCipher::Io::failed:
        static_cast<void>(write_out(end.reason));  // the alert that says why
        end = {cipher_->failure(), cipher_->is_refusal()};
        return Io::failed;
    }
  }
}

// `done` when the callback wants the stream to go on.
LinkStream::Io LinkStream::shake(End& end) {
  const LinkCipher::Io result = cipher_->shake();
  if (result == LinkCipher::Io::failed && cipher_->met_plain()) {
    say_unlike();
    end = {unlike_, true};
    return Io::failed;
  }
  const bool written = write_out(end.reason);  // of a failure: the alert that says why
  if (result == LinkCipher::Io::failed) end = {cipher_->failure(), cipher_->is_refusal()};
  if (result == LinkCipher::Io::failed || !written) return Io::failed;
  if (result == LinkCipher::Io::again) return Io::again;
  const auto shaken = std::move(shaken_);
  shaken_ = nullptr;
  shaken();
  return fd_ >= 0 ? Io::done : Io::again;
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
  End end;
  Io result = Io::done;
  bool more = true;
  const std::uint64_t turn_end = received_bytes_ + kTurnBytes;
  while (fd_ >= 0 && more && received_bytes_ < turn_end) {
    if (in_.size() - in_used_ < kReadBytes) in_.resize(in_used_ + 2 * kReadBytes + in_used_ / 2);
    result = cipher_ ? read_sealed(more, end) : read_plain(more, end);
    // What came before the end counts.
    if (fd_ < 0 || !decode_all() || result != Io::done) break;
  }
  if (fd_ >= 0 && callbacks_.turn_ended) callbacks_.turn_ended();
  if (fd_ >= 0 && result == Io::failed) fail(end);
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
    if (read == WireRead::damaged) return damaged(rest), false;
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

void LinkStream::damaged(std::string_view rest) {
  const bool begins = received_bytes_ == rest.size();
  if (cipher_ || !begins || !is_tls(rest)) {
    return fail({"the peer sent bytes that are no message"});
  }
  say_unlike();
  fail({unlike_, true});
}

// In plain, which the other end reads whether it has TLS or not.
void LinkStream::say_unlike() {
  std::string reject;
  encode(reject, msg::Reject{unlike_});
  const iovec part{reject.data(), reject.size()};
  std::size_t written = 0;
  std::string error;
  write_some(&part, 1, written, error);
}

void LinkStream::send(std::string_view head, std::string_view body) {
  if (fd_ < 0) return;
  if (unsent() == 0) {
    out_.clear();
    out_at_ = 0;
  }
  std::string error;  // a broken connection shows itself to the reader
  if (cipher_) {
    const bool waits = unsent() > 0;
    if (cipher_->seal(head, body) && !waits) static_cast<void>(write_out(error));
    return;
  }
  std::size_t written = 0;
  if (unsent() == 0) {
    const iovec parts[2] = {{const_cast<char*>(head.data()), head.size()},
                            {const_cast<char*>(body.data()), body.size()}};
    if (write_some(parts, 2, written, error) == Io::failed) return;
    if (written == head.size() + body.size()) return;
    event_add(write_event_, nullptr);
  }
  const std::size_t of_head = std::min(written, head.size());
  out_.append(head.substr(of_head));
  out_.append(body.substr(written - of_head));
}

// False: the connection is broken.
bool LinkStream::write_out(std::string& error) {
  while (unsent() > 0) {
    const iovec part{out_.data() + out_at_, unsent()};
    std::size_t written = 0;
    const Io result = write_some(&part, 1, written, error);
    if (result == Io::failed) return false;
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
  return true;
}

void LinkStream::on_writable() {
  std::string error;
  if (!write_out(error)) return fail({error});
  if (unsent() < kLowWater && callbacks_.drained) callbacks_.drained();
}

void LinkStream::fail(const End& end) {
  if (fd_ < 0) return;
  close();
  const auto closed = callbacks_.closed;
  if (closed) closed(end);
}

}  // namespace tandemq::repl
