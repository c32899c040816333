#include "replicator/shell/link.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "broker/base/check.h"
#include "broker/base/exit_code.h"
#include "broker/support/endpoint.h"
#include "replicator/shell/link_stream.h"

namespace tandemq::repl {
namespace {

constexpr std::uint32_t kHelloTimeoutMs = 2000;
constexpr std::size_t kCandidatesMax = 8;
constexpr std::uint32_t kBackOffMinMs = 250;
constexpr std::uint32_t kBackOffMaxMs = 5000;
constexpr std::uint32_t kAskFirstMs = 2000;
constexpr std::uint32_t kAskEachMs = 10000;

// What a link over a local network wants: no waiting to fill packets, and unacknowledged data
// ends the connection when the peer's silence would.
void tune(int fd, std::uint32_t silence_ms) {
  const int on = 1;
  const unsigned timeout_ms = std::max(silence_ms * 2, 500u);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
}

const sockaddr* plain(const sockaddr_storage& storage) {
  return reinterpret_cast<const sockaddr*>(&storage);
}

}  // namespace

Link::Link(event_base* base, LinkConfig config) : base_(base), config_(std::move(config)) {
  dial_timer_ = evtimer_new(
      base_, [](int, short, void* self) { static_cast<Link*>(self)->dial(); }, this);
  TMQ_CHECK(dial_timer_ != nullptr);
}

Link::~Link() {
  stop();
  event_free(dial_timer_);
}

Result<Link::Address> Link::parse(const std::string& address, std::uint16_t port) {
  Address parsed;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&parsed.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&parsed.storage);
  if (::inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    parsed.size = sizeof(*v4);
  } else if (::inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    parsed.size = sizeof(*v6);
  } else {
    return Error{"'" + address + "' is not an IP address: the replication link takes no host names",
                 kExitConfiguration};
  }
  return parsed;
}

Status Link::start(LinkHost& host) {
  host_ = &host;
  const Result<Address> peer = parse(config_.peer_address, config_.peer_port);
  if (!peer) return peer.error();
  peer_ = *peer;
  const Status listening = listen();
  if (!config_.dials) {
    dial_later(false);
    return listening;
  }
  // Only for a peer that takes itself for the one that dials as well.
  if (!listening) refused(listening.error().message);
  dial();
  return Done{};
}

Status Link::listen() {
  const Result<Address> own = parse(config_.listen_address, config_.listen_port);
  if (!own) return own.error();
  listen_fd_ = ::socket(own->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listen_fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // The network may come up after this process does.
  ::setsockopt(listen_fd_, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
  if (listen_fd_ < 0 || ::bind(listen_fd_, plain(own->storage), own->size) != 0 ||
      ::listen(listen_fd_, 16) != 0) {
    return Error{"cannot listen for the peer on " + config_.listen_address + " port " +
                     std::to_string(config_.listen_port) + ": " + std::strerror(errno),
                 kExitEnvironment};
  }
  Address bound;
  bound.size = sizeof(bound.storage);
  ::getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size);
  port_ = ntohs(reinterpret_cast<sockaddr_in*>(&bound.storage)->sin_port);  // same place in both
  accept_event_ = event_new(
      base_, listen_fd_, EV_READ | EV_PERSIST,
      [](int, short, void* self) { static_cast<Link*>(self)->accept_all(); }, this);
  TMQ_CHECK(accept_event_ != nullptr);
  event_add(accept_event_, nullptr);
  return Done{};
}

void Link::stop() {
  stopped_ = true;
  event_del(dial_timer_);
  if (accept_event_ != nullptr) event_free(accept_event_);
  accept_event_ = nullptr;
  if (listen_fd_ >= 0) ::close(listen_fd_);
  listen_fd_ = -1;
  if (link_) link_->close();
  if (dialling_) dialling_->close();
  if (asking_) asking_->close();
  for (auto& candidate : candidates_) candidate->close();
}

bool Link::from_peer(const sockaddr* address) const {
  if (address->sa_family != peer_.storage.ss_family) return false;
  if (address->sa_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr ==
           reinterpret_cast<const sockaddr_in*>(&peer_.storage)->sin_addr.s_addr;
  }
  return std::memcmp(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr,
                     &reinterpret_cast<const sockaddr_in6*>(&peer_.storage)->sin6_addr,
                     sizeof(in6_addr)) == 0;
}

void Link::accept_all() {
  reap();
  while (true) {
    Address from;
    from.size = sizeof(from.storage);
    const int fd = ::accept4(listen_fd_, reinterpret_cast<sockaddr*>(&from.storage), &from.size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const bool is_peer = from_peer(plain(from.storage));
    const std::string where = shown(*plain(from.storage), sizeof(from.storage));
    if (!is_peer || candidates_.size() >= kCandidatesMax) {
      refused(where + (is_peer ? ": too many connections from there have not said Hello yet"
                               : " is not the peer's address, " + config_.peer_address));
      ::close(fd);
      continue;
    }
    tune(fd, config_.silence_ms);
    candidates_.push_back(std::make_unique<LinkStream>(base_, fd, kFirstMessageMax));
    LinkStream* stream = candidates_.back().get();
    stream->set_callbacks({[this, stream, where](const Message& message) {
                             candidate_message(stream, where, message);
                           },
                           nullptr, nullptr,
                           [this, where](const std::string& reason) {
                             refused(where + " before its Hello: " + reason);
                           }});
    stream->start_reading(kHelloTimeoutMs);
  }
}

// The first message of an accepted connection decides whether it is the peer.
void Link::candidate_message(LinkStream* stream, const std::string& where, const Message& message) {
  const auto* hello = std::get_if<msg::Hello>(&message);
  const Status valid = hello != nullptr
                           ? check_hello(*hello, config_.self)
                           : Status(Error{std::string("it began with ") + name_of(message)});
  if (!valid) {
    refused(where + ": " + valid.error().message);
    if (hello != nullptr) host_->peer_refused(valid.error().message);
    std::string out;
    encode(out, msg::Reject{valid.error().message});
    stream->send(out, {});
    stream->close();
    return;
  }
  // Only asks who is here; our own connection to it is under way.
  if (config_.dials) return stream->close();
  const auto found = std::find_if(candidates_.begin(), candidates_.end(),
                                  [stream](const auto& c) { return c.get() == stream; });
  TMQ_CHECK(found != candidates_.end());
  std::unique_ptr<LinkStream> owned = std::move(*found);
  candidates_.erase(found);
  adopt(std::move(owned));
  host_->link_received(message);
}

void Link::refused(const std::string& reason) {
  ++figures_.rejected_total;
  using namespace std::chrono;
  const auto now_ms = static_cast<std::uint64_t>(
      duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
  if (now_ms - refusal_told_ms_ < 1000) return;
  refusal_told_ms_ = now_ms;
  host_->link_refused(reason);
}

void Link::adopt(std::unique_ptr<LinkStream> stream) {
  if (link_) {
    link_->close();
    graveyard_.push_back(std::move(link_));
    host_->link_down("replaced by a new connection of the peer");
  }
  link_ = std::move(stream);
  wire_up(*link_);
  ++figures_.connects_total;
  host_->link_up();
}

void Link::wire_up(LinkStream& stream) {
  stream.set_message_max(kMessageMax);
  stream.set_callbacks({[this](const Message& message) { link_message(message); },
                        [this] { host_->link_turn_ended(); }, [this] { host_->link_drained(); },
                        [this](const std::string& reason) { lost(reason); }});
  stream.start_reading(0);
}

void Link::link_message(const Message& message) {
  // The peer has taken our Hello: the next loss of the link is an ordinary one.
  if (!std::holds_alternative<msg::Hello>(message) &&
      !std::holds_alternative<msg::Reject>(message)) {
    attempts_ = 0;
    back_off_ms_ = 0;
  }
  host_->link_received(message);
}

void Link::lost(const std::string& reason) {
  figures_.sent_bytes += link_->sent_bytes();
  figures_.received_bytes += link_->received_bytes();
  graveyard_.push_back(std::move(link_));
  host_->link_down(reason);
  dial_later(false);
}

void Link::drop(bool back_off) {
  if (!link_) return;
  link_->close();
  figures_.sent_bytes += link_->sent_bytes();
  figures_.received_bytes += link_->received_bytes();
  graveyard_.push_back(std::move(link_));
  dial_later(back_off);
}

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
  const int fd = ::socket(peer_.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return dial_later(false);
  tune(fd, config_.silence_ms);
  // From the address that the peer knows; any port.
  const Result<Address> own = parse(config_.listen_address, 0);
  if (own && own->storage.ss_family == peer_.storage.ss_family) {
    static_cast<void>(::bind(fd, plain(own->storage), own->size));
  }
  if (::connect(fd, plain(peer_.storage), peer_.size) != 0 && errno != EINPROGRESS) {
    ::close(fd);
    return dial_later(false);
  }
  dialling_ = std::make_unique<LinkStream>(base_, fd, kMessageMax);
  dialling_->wait_connected(std::max(config_.silence_ms, 100u),
                            [this](const std::string& error) { dialled(error.empty()); });
}

void Link::dialled(bool connected) {
  std::unique_ptr<LinkStream> stream = std::move(dialling_);
  if (!connected) {
    stream->close();
    graveyard_.push_back(std::move(stream));
    return dial_later(false);
  }
  if (!config_.dials) return ask(std::move(stream));
  adopt(std::move(stream));
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
                          nullptr, nullptr, [](const std::string&) {}});
  asking_->start_reading(kHelloTimeoutMs);
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

void Link::send(const Message& message) {
  if (!link_) return;
  std::string out;
  encode(out, message);
  link_->send(out, {});
}

void Link::send_records(std::string_view frames) {
  if (!link_) return;
  std::string head;
  encode_records_header(head, frames.size());
  link_->send(head, frames);
}

std::size_t Link::unsent() const {
  return link_ ? link_->unsent() : 0;
}

void Link::reap() {
  graveyard_.clear();
  std::erase_if(candidates_, [](const auto& candidate) { return !candidate->is_open(); });
}

}  // namespace tandemq::repl
