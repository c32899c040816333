#include "broker/net/websocket_transport.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "broker/base/check.h"

namespace tandemq::net {
namespace {

constexpr std::size_t kReadSize = 16 << 10;
constexpr std::size_t kFrameSizeMax = 64 << 10;  // of ours
// A client that has pings answered and does not read is not read from beyond this.
constexpr std::size_t kUnsentMax = 128 << 10;

}  // namespace

struct WebSocketTransport::Callbacks {
  static WebSocketTransport& of(void* self) { return *static_cast<WebSocketTransport*>(self); }

  static ssize_t receive(wslay_event_context_ptr frames, std::uint8_t* to, std::size_t size_max,
                         int, void* arg) {
    WebSocketTransport& self = of(arg);
    if (!self.in_.empty()) {
      const std::size_t size = std::min(size_max, self.in_.size());
      std::memcpy(to, self.in_.data(), size);
      self.in_.erase(0, size);
      return static_cast<ssize_t>(size);
    }
    const std::size_t size = std::min(size_max, self.allowed_);
    self.more_ = size == 0;
    IoResult got;
    if (size > 0) got = self.below_->read(reinterpret_cast<char*>(to), size);
    if (got.io == Io::done) {
      self.allowed_ -= got.size;
      return static_cast<ssize_t>(got.size);
    }
    if (got.io == Io::ended) self.below_ended_ = true;
    wslay_event_set_error(frames,
                          got.io == Io::ended ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
    return -1;
  }

  // Gathered, so that header and payload go in one piece.
  static ssize_t send(wslay_event_context_ptr, const std::uint8_t* from, std::size_t size, int,
                      void* self) {
    of(self).out_.append(reinterpret_cast<const char*>(from), size);
    return static_cast<ssize_t>(size);
  }

  static void frame(wslay_event_context_ptr frames, const wslay_event_on_frame_recv_start_arg* arg,
                    void* self) {
    WebSocketTransport& ours = of(self);
    ours.takes_ = arg->opcode == WSLAY_BINARY_FRAME || arg->opcode == WSLAY_CONTINUATION_FRAME;
    if (arg->opcode != WSLAY_TEXT_FRAME) return;
    ours.fail("a text frame: MQTT travels in binary ones");
    wslay_event_queue_close(frames, WSLAY_CODE_UNSUPPORTED_DATA, nullptr, 0);
    wslay_event_shutdown_read(frames);
  }

  static void chunk(wslay_event_context_ptr, const wslay_event_on_frame_recv_chunk_arg* arg,
                    void* self) {
    if (!of(self).takes_) return;
    of(self).payload_.append(reinterpret_cast<const char*>(arg->data), arg->data_length);
  }
};

WebSocketTransport::WebSocketTransport(std::unique_ptr<Transport> below,
                                       const WebSocketSettings& settings, const Failed& failed)
    : below_(std::move(below)), settings_(settings), failed_(failed) {
  below_->attach(*this);
  rearm();
}

WebSocketTransport::~WebSocketTransport() {
  if (frames_) wslay_event_context_free(frames_);
}

bool WebSocketTransport::pending() const {
  if (!payload_.empty()) return true;
  if (phase_ != Phase::open) return phase_ == Phase::over && !end_told_;
  const bool waits = out_.size() > kUnsentMax;  // until it has taken some
  return !waits && (more_ || !in_.empty() || below_->pending());
}

IoResult WebSocketTransport::read(char* to, std::size_t size_max) {
  if (phase_ == Phase::upgrading) return {Io::later};
  if (payload_.empty() && phase_ == Phase::open) receive(std::min(size_max, kReadSize));
  if (payload_.empty()) {
    end_told_ = phase_ == Phase::over;
    return {end_told_ ? Io::ended : Io::later};
  }
  const std::size_t size = std::min(size_max, payload_.size());
  std::memcpy(to, payload_.data(), size);
  if (size == payload_.size()) {
    std::string().swap(payload_);  // at rest it holds nothing
  } else {
    payload_.erase(0, size);
  }
  return {Io::done, size};
}

// Takes frames as they are here; pings and the client's close are answered.
void WebSocketTransport::receive(std::size_t size_max) {
  if (out_.size() > kUnsentMax) return;
  allowed_ = size_max;
  more_ = false;
  wslay_event_recv(frames_);
  // What is wrong with a frame is told by the close that libwslay has queued.
  const bool over = below_ended_ || !wslay_event_get_read_enabled(frames_);
  send_queued();
  if (over) phase_ = Phase::over;
  rearm();
}

IoResult WebSocketTransport::write(std::string_view bytes) {
  if (phase_ != Phase::open) return {phase_ == Phase::over ? Io::ended : Io::later};
  std::size_t size = 0;
  while (size < bytes.size() && out_.empty()) {
    const std::string_view part = bytes.substr(size, kFrameSizeMax);
    const wslay_event_msg message{WSLAY_BINARY_FRAME,
                                  reinterpret_cast<const std::uint8_t*>(part.data()), part.size()};
    if (wslay_event_queue_msg(frames_, &message) != 0) return {Io::ended};
    size += part.size();
    send_queued();
    if (phase_ == Phase::over) return {Io::ended};
  }
  rearm();
  return {size > 0 ? Io::done : Io::later, size};
}

void WebSocketTransport::send_queued() {
  if (wslay_event_want_write(frames_)) wslay_event_send(frames_);
  flush();
}

void WebSocketTransport::flush() {
  if (out_.empty()) return;
  const IoResult put = below_->write(out_);
  if (put.io == Io::ended) {
    phase_ = Phase::over;
    return out_.clear();
  }
  out_.erase(0, put.size);
  if (out_.empty()) std::string().swap(out_);
}

void WebSocketTransport::shut() {
  if (phase_ == Phase::open) {
    wslay_event_queue_close(frames_, WSLAY_CODE_NORMAL_CLOSURE, nullptr, 0);
    send_queued();
  }
  shut_when_sent_ = !out_.empty();
  if (!shut_when_sent_) below_->shut();
  rearm();
}

void WebSocketTransport::want(Ready what) {
  wanted_ = what;
  rearm();
}

void WebSocketTransport::rearm() {
  const bool reads = phase_ == Phase::upgrading || (wanted_.read && out_.size() <= kUnsentMax);
  below_->want({reads, wanted_.write || !out_.empty(), wanted_.gone});
}

void WebSocketTransport::transport_ready(Ready what) {
  const bool waited = out_.size() > kUnsentMax;
  if (what.write) {
    flush();
    if (out_.empty() && std::exchange(shut_when_sent_, false)) below_->shut();
  }
  // What the transport below holds already nobody else tells of.
  bool readable = wanted_.read && (what.read || (waited && pending()));
  if (phase_ == Phase::upgrading && what.read) {
    upgrade();
    readable = wanted_.read && (phase_ == Phase::over || pending());
  }
  rearm();
  user_->transport_ready({readable, what.write && wanted_.write && out_.empty(), what.gone});
}

void WebSocketTransport::upgrade() {
  char piece[2048];
  IoResult got;
  do {
    got = below_->read(piece, sizeof piece);
    in_.append(piece, got.size);
  } while (got.io == Io::done && below_->pending() && in_.size() <= kUpgradeSizeMax);
  if (got.io == Io::ended) return fail("the client closed before its request was whole");
  const Upgrade verdict = read_upgrade(in_, settings_);
  if (verdict.verdict == Upgrade::Verdict::need_more) return;
  out_ = verdict.answer;
  flush();
  if (verdict.verdict == Upgrade::Verdict::refused) {
    fail(verdict.reason);
    return shut();
  }
  in_.erase(0, verdict.size);
  in_.shrink_to_fit();
  const wslay_event_callbacks callbacks{
      Callbacks::receive, Callbacks::send, nullptr, Callbacks::frame,
      Callbacks::chunk,   nullptr,         nullptr};
  TMQ_CHECK(wslay_event_context_server_init(&frames_, &callbacks, this) == 0);
  wslay_event_config_set_no_buffering(frames_, 1);
  if (phase_ != Phase::over) phase_ = Phase::open;
}

void WebSocketTransport::fail(const std::string& reason) {
  if (phase_ == Phase::over) return;
  phase_ = Phase::over;
  failed_(below_->peer_address(), reason);
}

}  // namespace tandemq::net
