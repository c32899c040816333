#include "failover/shell/peer_link.h"

#include <cerrno>
#include <cstring>

#include "broker/base/exit_code.h"
#include "broker/support/address_check.h"
#include "broker/support/log.h"
#include "failover/shell/report_codec.h"

namespace tandemq::failover {
namespace {

constexpr int kDatagramsPerTurn = 64;
constexpr TimeMs kGreetEveryMs = 20;
constexpr TimeMs kComplainEveryMs = 10000;

}  // namespace

Result<std::unique_ptr<PeerLink>> PeerLink::open(event_base* base, PeerLinkConfig config,
                                                 std::function<Report()> own, OnReport on_report) {
  std::unique_ptr<PeerLink> link(
      new PeerLink(std::move(config), std::move(own), std::move(on_report)));
  for (std::size_t i = 0; i < link->config_.listen.size(); ++i) {
    Status bound = link->bind(base, link->config_.listen[i], link->config_.addresses[i]);
    if (!bound) return bound.error();
  }
  return link;
}

Status PeerLink::bind(event_base* base, const std::string& listen, const std::string& peer) {
  const Result<Endpoint> own = parse_endpoint(listen);
  const Result<Endpoint> other = parse_endpoint(peer);
  if (!own) return own.error();
  if (!other) return other.error();
  auto path = std::make_unique<Path>();
  const int family = own->address.ss_family;
  path->fd.reset(socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // The address may come up later than the agent; interfaces come and go during its life.
  const int on = 1;
  if (path->fd && family == AF_INET) {
    setsockopt(path->fd.get(), IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
  } else if (path->fd) {
    setsockopt(path->fd.get(), IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
  }
  if (!path->fd ||
      ::bind(path->fd.get(), reinterpret_cast<const sockaddr*>(&own->address), own->size) != 0) {
    return Error{"cannot listen for the peer's agent on " + listen + ": " + std::strerror(errno) +
                     "; is another agent running, and is peer.listen right?",
                 kExitEnvironment};
  }
  tell_missing_address(listen.substr(0, listen.rfind(':')), "peer.listen");
  path->peer = *other;
  path->figures.address = peer;
  Path* raw = path.get();
  path->readable = std::make_unique<Readable>(base, path->fd.get(), [this, raw] { read(*raw); });
  paths_.push_back(std::move(path));
  return Done{};
}

void PeerLink::send() {
  const std::string bytes =
      seal({config_.node, session_.next(boottime_ms()), own_()}, config_.secret);
  for (const auto& path : paths_) {
    const auto* to = reinterpret_cast<const sockaddr*>(&path->peer.address);
    // A path that cannot send now is a path that the peer does not hear: nothing else to do.
    const ssize_t sent =
        sendto(path->fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT, to, path->peer.size);
    if (sent >= 0) ++path->figures.sent;
  }
}

void PeerLink::read(Path& path) {
  char buffer[kDatagramMax + 1];
  for (int i = 0; i < kDatagramsPerTurn; ++i) {
    const ssize_t size = recv(path.fd.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    if (size < 0) return;
    on_datagram(path, std::string_view(buffer, static_cast<std::size_t>(size)));
  }
}

void PeerLink::on_datagram(Path& path, std::string_view bytes) {
  Datagram d;
  switch (unseal(bytes, config_.secret, d)) {
    case Unsealed::forged:
      return complain(path, "not made with this pair's secret");
    case Unsealed::malformed:
      return complain(path, "not a report of this version");
    case Unsealed::ok:
      break;
  }
  if (d.node != config_.peer) return complain(path, "not from the configured peer");
  const TimeMs now = boottime_ms();
  PeerSession::Refusal why{};
  const auto accepted = session_.accept(d.numbers, now, why);
  if (why == PeerSession::Refusal::unproven) {
    // Its first words, or a replay. An answer lets a living peer prove that it speaks now.
    if (now < greeted_at_ + kGreetEveryMs) return;
    greeted_at_ = now;
    return send();
  }
  ++path.figures.received;
  path.figures.heard_at = now;  // a copy that took this path is a sign of life of this path
  if (accepted) on_report_(PeerReport{d.report, accepted->echo_sent_at});
}

void PeerLink::complain(Path& path, const char* what) {
  ++path.figures.refused;
  const TimeMs now = boottime_ms();
  if (complained_at_ != 0 && now < complained_at_ + kComplainEveryMs) return;
  complained_at_ = now;
  log(LogLevel::warning, "datagram_refused",
      {{"path", path.figures.address},
       {"reason", what},
       {"remedy", "compare peer.secret_file, node.name and peer.name of both nodes"}});
}

std::vector<PeerLink::PathFigures> PeerLink::paths() const {
  std::vector<PathFigures> out;
  for (const auto& path : paths_) out.push_back(path->figures);
  return out;
}

}  // namespace tandemq::failover
