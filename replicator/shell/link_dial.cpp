// The link, seen from the end that connects.
#include <event2/event.h>
#include <event2/util.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "replicator/shell/link.h"

namespace tandemq::repl {
namespace {

constexpr std::uint32_t kBackOffMinMs = 250;
constexpr std::uint32_t kBackOffMaxMs = 5000;
constexpr std::uint32_t kAskFirstMs = 2000;
constexpr std::uint32_t kAskEachMs = 10000;

}  // namespace

void Link::dial_later(bool back_off) {
  if (stopped_) return;
  constexpr std::uint32_t kSteps[] = {0, 10, 20, 50};
  std::uint32_t wait_ms = kSteps[std::min<std::size_t>(attempts_, std::size(kSteps) - 1)];
  if (!config_.dials) {
    wait_ms = attempts_ == 0 ? kAskFirstMs : kAskEachMs;
  } else if (back_off) {
    back_off_ms_ = std::clamp(back_off_ms_ * 2, kBackOffMinMs, kBackOffMaxMs);
    wait_ms = back_off_ms_;
  }
  ++attempts_;
  const timeval wait{wait_ms / 1000, static_cast<suseconds_t>(wait_ms % 1000) * 1000};
  evtimer_add(dial_timer_, &wait);
}

void Link::dial() {
  reap();
  if (stopped_ || link_ || dialling_) return;
  const int fd = ::socket(peer_.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return dial_later(false);
  tune_link(fd, config_.silence_ms);
  // From the address that the peer knows; any port.
  const Result<LinkAddress> own = parse_link_address(config_.listen_address, 0);
  if (own && own->family() == peer_.family()) {
    static_cast<void>(::bind(fd, own->any(), own->size));
  }
  if (::connect(fd, peer_.any(), peer_.size) != 0 && errno != EINPROGRESS) {
    ::close(fd);
    return dial_later(false);
  }
  dialling_ = stream_of(fd, kMessageMax);
  dialling_->wait_connected(std::max(config_.silence_ms, 100u),
                            [this](const std::string& error) { dialled(error.empty()); });
}

void Link::dialled(bool connected) {
  if (!connected) {
    dialling_->close();
    graveyard_.push_back(std::move(dialling_));
    return dial_later(false);
  }
  if (config_.tls == nullptr) return reached();
  dialling_->set_callbacks(
      {nullptr, nullptr, nullptr, [this](const LinkStream::End& end) { not_reached(end); }});
  dialling_->set_deadline(kHelloTimeoutMs);
  dialling_->shake_hands(*config_.tls, true, [this] {
    if (is_known(*dialling_, config_.peer_address)) return reached();
    graveyard_.push_back(std::move(dialling_));
    dial_later(true);
  });
}

void Link::reached() {
  std::unique_ptr<LinkStream> stream = std::move(dialling_);
  if (!config_.dials) return ask(std::move(stream));
  adopt(std::move(stream));
}

// Somebody answered, but not as the peer. What only broke is told once until the link is up.
void Link::not_reached(const LinkStream::End& end) {
  graveyard_.push_back(std::move(dialling_));
  if (end.refusal || end.reason != failure_told_) {
    failure_told_ = end.reason;
    refused(config_.peer_address + ": " + end.reason);
  }
  if (end.refusal) host_->peer_refused(end.reason);
  dial_later(end.refusal);
}

// Nobody came: the peer may take itself for the one that listens as well (the same node.index on
// both). What it says to a Hello tells. It never becomes the link.
void Link::ask(std::unique_ptr<LinkStream> stream) {
  asking_ = std::move(stream);
  asking_->set_callbacks({[this](const Message& message) {
                            const auto* reject = std::get_if<msg::Reject>(&message);
                            if (reject != nullptr) host_->peer_refused(reject->reason);
                            asking_->close();
                          },
                          nullptr, nullptr,
                          [this](const LinkStream::End& end) {
                            if (end.refusal) host_->peer_refused(end.reason);
                          }});
  asking_->set_deadline(kHelloTimeoutMs);
  asking_->start_reading();
  msg::Hello hello;
  hello.software = config_.self.software;
  hello.pair_id = config_.self.pair_id;
  hello.node_index = config_.self.node_index;
  hello.node_name = config_.self.node_name;
  std::string out;
  encode(out, hello);
  asking_->send(out, {});
  dial_later(false);
}

}  // namespace tandemq::repl
