#include "failover/shell/peer_link.h"

#include <cerrno>
#include <cstring>

#include "broker/base/exit_code.h"
#include "broker/support/address_check.h"
#include "broker/support/log.h"

namespace tandemq::failover {
namespace {

constexpr int kDatagramsPerTurn = 64;
constexpr TimeMs kGreetEveryMs = 20;
constexpr TimeMs kComplainEveryMs = 10000;
constexpr TimeMs kRefusalLastsMs = 3000;
constexpr TimeMs kAbsentMs = 3000;

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
  const Result<SocketAddress> own = parse_socket_address(listen);
  const Result<SocketAddress> other = parse_socket_address(peer);
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

void PeerLink::set_checksums(std::map<std::string, std::string> checksums) {
  compared_ = config_.settings;
  for (auto& [name, sum] : checksums) compared_["checksum of " + name] = std::move(sum);
}

void PeerLink::send() {
  const std::string bytes = seal({config_.node, TANDEMQ_VERSION, config_.index, wall_ms(),
                                  compared_, session_.next(boottime_ms()), own_()},
                                 config_.secret);
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
    SocketAddress from;
    from.size = sizeof(from.address);
    const ssize_t size = recvfrom(path.fd.get(), buffer, sizeof(buffer), MSG_DONTWAIT,
                                  reinterpret_cast<sockaddr*>(&from.address), &from.size);
    if (size < 0) return;
    on_datagram(path, from, std::string_view(buffer, static_cast<std::size_t>(size)));
  }
}

void PeerLink::on_datagram(Path& path, const SocketAddress& from, std::string_view bytes) {
  Datagram d;
  switch (unseal(bytes, config_.secret, d)) {
    case Unsealed::forged:
      return complain(path, from, "not made with this pair's secret");
    case Unsealed::malformed:
      return complain(path, from, "not a report of this version");
    case Unsealed::ok:
      break;
  }
  if (d.node != config_.peer) {
    return complain(path, from,
                    "the agent of " + d.node + " (TandeMQ " + d.software +
                        ") is not the configured peer, " + config_.peer);
  }
  if (d.index == config_.index) {
    return complain(path, from,
                    d.node + " has node.index " + std::to_string(d.index) + " as well as " +
                        config_.node + ": one must have 1, the other 2");
  }
  const TimeMs now = boottime_ms();
  PeerSession::Refusal why{};
  const auto accepted = session_.accept(d.numbers, now, why);
  if (why == PeerSession::Refusal::unproven) {
    on_report_(EventKind::peer_unproven, PeerReport{d.report});
    // Its first words, or a replay. An answer lets a living peer prove that it speaks now.
    if (now < greeted_at_ + kGreetEveryMs) return;
    greeted_at_ = now;
    return send();
  }
  ++path.figures.received;
  path.figures.heard_at = now;  // a copy that took this path is a sign of life of this path
  if (!accepted) return;
  compare(d);
  on_report_(EventKind::peer_report, PeerReport{d.report, accepted->echo_sent_at, accepted->clock});
}

// Names that only one of them has are of another version and not compared.
void PeerLink::compare(const Datagram& d) {
  std::vector<Meeting::Difference> found;
  for (const auto& [name, here] : compared_) {
    const auto there = d.settings.find(name);
    if (there == d.settings.end() || there->second == here) continue;
    found.push_back({name, here, there->second});
  }
  if (d.software != meeting_.software) {
    log(LogLevel::notice, "peer_met",
        {{"peer", d.node}, {"peer_version", d.software}, {"version", TANDEMQ_VERSION}});
  }
  if (found != meeting_.differences) {
    for (const Meeting::Difference& one : found) {
      log(LogLevel::warning, "settings_differ",
          {{"setting", one.setting},
           {"here", one.here},
           {"there", one.there},
           {"remedy",
            "make them equal on both nodes, agent.toml or the file that it is the checksum of"}});
    }
  }
  meeting_.software = d.software;
  meeting_.clock_ahead_ms.reset();
  if (d.wall_ms != 0) meeting_.clock_ahead_ms = static_cast<std::int64_t>(d.wall_ms - wall_ms());
  meeting_.differences = std::move(found);
}

PeerLink::Meeting PeerLink::meeting() const {
  Meeting meeting = meeting_;
  if (boottime_ms() >= refused_at_ + kRefusalLastsMs) meeting.refused.clear();
  return meeting;
}

bool PeerLink::tell_absence() {
  if (absence_told_ || boottime_ms() < opened_at_ + kAbsentMs) return absence_told_;
  std::string where;
  for (const auto& path : paths_) {
    if (path->figures.heard_at != 0) return false;
    where += (where.empty() ? "" : ", ") + path->figures.address;
  }
  log(LogLevel::warning, "peer_not_heard",
      {{"peer", config_.peer},
       {"addresses", where},
       {"reason", "no word of the peer's agent was taken since this one started"},
       {"remedy",
        "see whether tandemq-agent runs there, what its log says, and compare peer.listen, "
        "peer.addresses and node.index of both nodes; a packet filter must let UDP pass"}});
  return absence_told_ = true;
}

void PeerLink::complain(Path& path, const SocketAddress& from, const std::string& what) {
  ++path.figures.refused;
  const TimeMs now = boottime_ms();
  refused_at_ = now;
  meeting_.refused = what;
  if (complained_at_ != 0 && now < complained_at_ + kComplainEveryMs) return;
  complained_at_ = now;
  log(LogLevel::warning, "datagram_refused",
      {{"path", path.figures.address},
       {"address", shown(from)},
       {"reason", what},
       {"remedy", "compare peer.secret_file, node and peer.name of both nodes"}});
}

std::vector<PeerLink::PathFigures> PeerLink::paths() const {
  std::vector<PathFigures> out;
  for (const auto& path : paths_) out.push_back(path->figures);
  return out;
}

}  // namespace tandemq::failover
