// Reports to and from the peer's agent, over every path at once, so that a cut of one leaves
// nobody guessing.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "failover/core/event.h"
#include "failover/core/peer_session.h"
#include "failover/shell/loop.h"
#include "failover/shell/report_codec.h"
#include "failover/shell/socket_address.h"

namespace tandemq::failover {

struct PeerLinkConfig {
  std::string node, peer;
  std::vector<std::string> listen;     // one per path
  std::vector<std::string> addresses;  // of the peer, in the same order
  std::string secret;
  std::uint64_t boot = 0;
  unsigned index = 0;
  std::map<std::string, std::string> settings;  // compared with the peer's
};

class PeerLink {
 public:
  // `kind`: peer_report, or peer_unproven.
  using OnReport = std::function<void(EventKind kind, const PeerReport&)>;
  // Error code 3: an address that cannot be bound.
  static Result<std::unique_ptr<PeerLink>> open(event_base* base, PeerLinkConfig config,
                                                std::function<Report()> own, OnReport on_report);

  // Of the broker's files, by name; compared with the peer's as settings are. Empty: not known.
  void set_checksums(std::map<std::string, std::string> checksums);
  void send();
  struct PathFigures {
    std::string address;  // of the peer
    TimeMs heard_at = 0;  // 0 never
    std::uint64_t received = 0, sent = 0, refused = 0;
  };
  std::vector<PathFigures> paths() const;

  // What is known of the peer's program and settings.
  struct Meeting {
    std::string software;  // version; empty: never heard
    std::string refused;   // why its datagrams are not taken at present, in a sentence
    struct Difference {
      std::string setting, here, there;
      bool operator==(const Difference&) const = default;
    };
    std::vector<Difference> differences;
    std::optional<std::int64_t> clock_ahead_ms;  // the peer's wall clock, of this host's
  };
  Meeting meeting() const;
  // Says in the log, once, that no word of the peer was ever taken, where that is so after 3 s.
  // Call now and then; true when it has said so.
  bool tell_absence();

 private:
  struct Path {
    PathFigures figures;
    SocketAddress peer;
    Fd fd;
    std::unique_ptr<Readable> readable;
  };
  PeerLink(PeerLinkConfig config, std::function<Report()> own, OnReport on_report)
      : config_(std::move(config)),
        compared_(config_.settings),
        own_(std::move(own)),
        on_report_(std::move(on_report)),
        session_(config_.boot),
        opened_at_(boottime_ms()) {}
  Status bind(event_base* base, const std::string& listen, const std::string& peer);
  void read(Path& path);
  void on_datagram(Path& path, const SocketAddress& from, std::string_view bytes);
  void complain(Path& path, const SocketAddress& from, const std::string& what);
  void compare(const Datagram& d);

  PeerLinkConfig config_;
  std::map<std::string, std::string> compared_;  // settings and checksums
  std::function<Report()> own_;
  OnReport on_report_;
  PeerSession session_;
  std::vector<std::unique_ptr<Path>> paths_;
  const TimeMs opened_at_;
  bool absence_told_ = false;
  TimeMs greeted_at_ = 0;
  TimeMs complained_at_ = 0;
  TimeMs refused_at_ = 0;
  Meeting meeting_;
};

}  // namespace tandemq::failover
