// A node's end of the replication link as its driver sees it (replicator/driver/ports.h), over the
// simulated network; behaves as replicator/shell/link does over sockets.
#pragma once

#include <deque>

#include "replicator/driver/ports.h"
#include "tests/sim/network.h"
#include "tests/sim/process.h"

namespace tandemq::sim {

class NodeLink final : public repl::PeerLink {
 public:
  // `side` 0 dials, 1 listens. `heard` is told the name of each message.
  NodeLink(Process& process, Network& network, unsigned side,
           std::function<void(const char* message)> heard);
  ~NodeLink() override;

  // PeerLink
  Status start(repl::LinkHost& host) override;
  void stop() override { stopped_ = true, drop(false); }
  void send(const repl::Message& message) override;
  void send_records(std::string_view frames) override;
  std::size_t unsent() const override { return 0; }
  void drop(bool back_off) override;
  repl::LinkFigures figures() const override { return figures_; }
  std::uint16_t listening_port() const override { return 0; }

  // The socket, from the network.
  bool listens() const { return host_ != nullptr && !stopped_; }
  void connected(std::uint64_t connection);
  void received(std::uint64_t connection, const std::string& bytes);
  void closed(std::uint64_t connection, const std::string& reason);

 private:
  struct Arrived {
    std::uint64_t connection = 0;
    std::string bytes;   // empty: the connection has ended
    std::string reason;  // ... for this reason
  };
  void arrived(Arrived what);
  void read();
  void read_one(const Arrived& what);
  void dial();
  void dial_later(bool back_off);

  Process& process_;
  Network& network_;
  const unsigned side_;
  const std::function<void(const char*)> heard_;
  repl::LinkHost* host_ = nullptr;
  repl::LinkFigures figures_;
  std::uint64_t connection_ = 0;  // the link, 0: none
  std::uint64_t newest_ = 0;      // the last that was it
  bool stopped_ = false;
  bool due_ = false;  // read() will be called
  std::deque<Arrived> arrived_;
  unsigned attempts_ = 0;
  std::uint64_t back_off_ms_ = 0;
  std::uint64_t dial_number_ = 0;
};

}  // namespace tandemq::sim
