#include "replicator/shell/link.h"

#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "broker/base/check.h"
#include "broker/base/exit_code.h"
#include "broker/support/endpoint.h"

namespace tandemq::repl {
namespace {

constexpr std::size_t kCandidatesMax = 16;

std::string words_for_unlike(const LinkConfig& config) {
  const NodeIdentity& self = config.self;
  return "node " + (config.tls != nullptr ? self.node_name : self.peer_name) +
         " has TLS on the replication link and node " +
         (config.tls != nullptr ? self.peer_name : self.node_name) +
         " has none: name certfile and cafile below [replication] on both (`tandemqctl pki` makes "
         "the files), or on neither";
}

}  // namespace

Link::Link(event_base* base, LinkConfig config)
    : base_(base), config_(std::move(config)), unlike_(words_for_unlike(config_)) {
  dial_timer_ = evtimer_new(
      base_, [](int, short, void* self) { static_cast<Link*>(self)->dial(); }, this);
  TMQ_CHECK(dial_timer_ != nullptr);
}

Link::~Link() {
  stop();
  event_free(dial_timer_);
}

Status Link::start(LinkHost& host) {
  host_ = &host;
  const Result<LinkAddress> peer = parse_link_address(config_.peer_address, config_.peer_port);
  if (!peer) return peer.error();
  peer_ = *peer;
  if (config_.tls != nullptr) config_.tls->on_reload([this] { judge_again(); });
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
  const Result<LinkAddress> own = parse_link_address(config_.listen_address, config_.listen_port);
  if (!own) return own.error();
  listen_fd_ = ::socket(own->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listen_fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // The network may come up after this process does.
  ::setsockopt(listen_fd_, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
  if (listen_fd_ < 0 || ::bind(listen_fd_, own->any(), own->size) != 0 ||
      ::listen(listen_fd_, 16) != 0) {
    return Error{"cannot listen for the peer on " + config_.listen_address + " port " +
                     std::to_string(config_.listen_port) + ": " + std::strerror(errno),
                 kExitEnvironment};
  }
  LinkAddress bound;
  bound.size = sizeof(bound.storage);
  ::getsockname(listen_fd_, bound.any(), &bound.size);
  port_ = bound.port();
  accept_event_ = event_new(
      base_, listen_fd_, EV_READ | EV_PERSIST,
      [](int, short, void* self) { static_cast<Link*>(self)->accept_all(); }, this);
  TMQ_CHECK(accept_event_ != nullptr);
  event_add(accept_event_, nullptr);
  return Done{};
}

void Link::stop() {
  stopped_ = true;
  if (config_.tls != nullptr) config_.tls->on_reload({});
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

void Link::accept_all() {
  reap();
  while (true) {
    LinkAddress from;
    from.size = sizeof(from.storage);
    const int fd = ::accept4(listen_fd_, from.any(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const std::string where = shown(*from.any(), sizeof(from.storage));
    if (from.same_host(peer_)) {
      take_candidate(fd, where);
      continue;
    }
    refused(where + " is not the peer's address, " + config_.peer_address);
    ::close(fd);
  }
}

// Whoever it is has so long to say who it is. Of too many the oldest goes: the newest may be a peer
// that comes back while those before it hang.
void Link::take_candidate(int fd, const std::string& where) {
  if (candidates_.size() >= kCandidatesMax) {
    refused(where + ": too many connections from there have not said Hello yet, the oldest ends");
    candidates_.erase(candidates_.begin());
  }
  tune_link(fd, config_.silence_ms);
  candidates_.push_back(stream_of(fd, kFirstMessageMax));
  LinkStream* stream = candidates_.back().get();
  stream->set_callbacks(
      {[this, stream, where](const Message& message) { candidate_message(stream, where, message); },
       nullptr, nullptr,
       [this, where](const LinkStream::End& end) {
         refused(where + " before its Hello: " + end.reason);
         if (end.refusal) host_->peer_refused(end.reason);
       }});
  stream->set_deadline(kHelloTimeoutMs);
  if (config_.tls == nullptr) return stream->start_reading();
  stream->shake_hands(*config_.tls, false,
                      [this, stream, where] { static_cast<void>(is_known(*stream, where)); });
}

std::unique_ptr<LinkStream> Link::stream_of(int fd, std::uint32_t message_max) {
  return std::make_unique<LinkStream>(base_, fd, message_max, unlike_);
}

// After the handshake, where the certificate is of an authority of ours. False: turned away.
bool Link::is_known(LinkStream& stream, const std::string& where) {
  const Status named = config_.tls->check_name(SSL_get0_peer_certificate(stream.connection()));
  if (named) return true;
  turn_away(stream, where, named.error().message);
  host_->peer_refused(named.error().message);
  return false;
}

void Link::turn_away(LinkStream& stream, const std::string& where, const std::string& reason) {
  refused(where + ": " + reason);
  std::string out;
  encode(out, msg::Reject{reason});
  stream.send(out, {});
  stream.close();
}

// The first message of an accepted connection decides whether it is the peer.
void Link::candidate_message(LinkStream* stream, const std::string& where, const Message& message) {
  const auto* reject = std::get_if<msg::Reject>(&message);
  if (reject != nullptr && config_.tls != nullptr) {  // of who is known by its certificate
    refused(where + ": " + reject->reason);
    host_->peer_refused(reject->reason);
    return stream->close();
  }
  const auto* hello = std::get_if<msg::Hello>(&message);
  const Status valid = hello != nullptr
                           ? check_hello(*hello, config_.self)
                           : Status(Error{std::string("it began with ") + name_of(message)});
  if (!valid) {
    turn_away(*stream, where, valid.error().message);
    if (hello != nullptr) host_->peer_refused(valid.error().message);
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
                        [this](const LinkStream::End& end) { lost(end); }});
  stream.set_deadline(0);
  stream.start_reading();
}

void Link::link_message(const Message& message) {
  // The peer has taken our Hello: the next loss of the link is an ordinary one.
  if (!std::holds_alternative<msg::Hello>(message) &&
      !std::holds_alternative<msg::Reject>(message)) {
    attempts_ = 0;
    back_off_ms_ = 0;
    failure_told_.clear();
  }
  host_->link_received(message);
}

void Link::lost(const LinkStream::End& end) {
  bury_link();
  host_->link_down(end.reason);
  if (end.refusal) {
    refused(config_.peer_address + ": " + end.reason);
    host_->peer_refused(end.reason);
  }
  dial_later(end.refusal);
}

void Link::drop(bool back_off) {
  if (!link_) return;
  bury_link();
  dial_later(back_off);
}

LinkFigures Link::figures() const {
  LinkFigures all = figures_;
  if (link_) {
    all.sent_bytes += link_->sent_bytes();
    all.received_bytes += link_->received_bytes();
  }
  return all;
}

void Link::bury_link() {
  link_->close();
  figures_ = figures();
  graveyard_.push_back(std::move(link_));
}

// The files were read again. Who would not be let in by them is not let stay, but for the time of
// its certificate: that ends no link that stands. Who is on the way in by the old ones begins anew.
void Link::judge_again() {
  for (auto& candidate : candidates_) candidate->close();
  if (dialling_) {
    dialling_->close();
    graveyard_.push_back(std::move(dialling_));
    dial_later(false);
  }
  if (!link_) return;
  const Status trusted = config_.tls->check_trust(link_->connection());
  if (trusted) return;
  send(msg::Reject{trusted.error().message});
  lost({trusted.error().message, true});
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
