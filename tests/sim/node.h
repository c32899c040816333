// One simulated node: the production driver (replicator/driver) with the real journal on a disk in
// memory, the real core, and what the broker's shell does around them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/clients/outbox.h"
#include "broker/core/engine.h"
#include "broker/core/state.h"
#include "replicator/driver/replicator.h"
#include "tests/sim/checker.h"
#include "tests/sim/network.h"
#include "tests/sim/node_files.h"
#include "tests/sim/packets.h"

namespace tandemq::sim {

// What both nodes and the clients live in.
struct Place {
  Clock clock;
  Random random{0};
  Trace trace;
  Checker checker;
  Network network{clock, random};
  Snapshots snapshots;         // while streamed
  core::ConnId last_conn = 0;  // of any node: a client tells its old connections from its new one
  std::function<void(std::uint64_t client, core::ConnId, Reply)> to_client;
  std::int64_t drift_ppm[2] = {};  // of the hosts' clocks
  HostClock host_clock[2];
  TimeUs local_us(unsigned side) const {
    const auto now = static_cast<std::int64_t>(host_clock[side].at(clock.now()));
    return static_cast<TimeUs>(now + now * drift_ppm[side] / 1'000'000);
  }
  // Of a host's CLOCK_BOOTTIME.
  TimeMs boottime_ms(unsigned side) const { return local_us(side) / kMs + 1000; }
  void say(const std::string& text) { trace.line(clock.now(), text); }
};

// What is broken on purpose, to see that the checkers notice (--break).
enum class Broken : std::uint8_t { nothing, commit, dedup, fence, sync, apply, order };

struct NodeConfig {
  unsigned index = 1;
  repl::CommitRule commit = repl::CommitRule::replicated;
  std::uint64_t segment_bytes = 16 << 10;
  TimeUs checkpoint_every = 2 * kSecond;
  std::uint64_t journal_bytes = 1 << 30;  // beyond it what the peer still needs may go
  Broken broken = Broken::nothing;
};

class Node final : public LinkEnd, public repl::ReplicatorHost, public core::RecordSink {
 public:
  Node(Place& place, const NodeConfig& config);
  ~Node() override;

  // Process and host.
  void start();
  void kill(const std::string& why);  // the process; what it wrote stays
  void lose_power(unsigned kept);     // the host: what was not synced goes, but for `kept` percent
  bool exists() const { return life_ != nullptr; }  // its process does
  bool running() const;                             // ... and has recovered
  bool spent() const;  // killed, and stands in a call that the kernel does not end
  Kept& kept() { return kept_; }

  // SIGSTOP and SIGCONT; a host that is frozen stops all of its processes.
  void stop();
  void go_on();
  std::uint64_t life_number() const { return lives_; }  // of the process, 1 for the first
  std::function<void()> on_end;                         // the process is gone
  // Announced by the broker's loop; `busy`: it is about to stand still.
  std::function<void(const repl::ReplicaStatus& status, bool busy)> on_status;

  // Orders over the control socket (docs/control-protocol.md), from inside the broker's loop.
  struct Order {
    enum class Kind : std::uint8_t { none, promote, solo, demote, lose_sync, switchover };
    Kind kind = Kind::none;
    Epoch epoch = 0;
    bool force = false;
    std::uint64_t change = 0;
    TimeMs deadline = 0;
    std::string by;
  };
  struct Answer {
    std::string refusal;  // empty: done
    Epoch epoch = 0;
    std::uint64_t change = 0;
  };
  using Told = std::function<void(const Answer&)>;
  void call(std::function<void()> what);  // by the loop, when it comes to it
  void carry_out(const Order& order, const Told& told);
  void leave();

  // LinkEnd
  bool listens() const override;
  void connected(std::uint64_t connection) override;
  void received(std::uint64_t connection, const std::string& bytes) override;
  void closed(std::uint64_t connection, const std::string& reason) override;

  // Clients.
  bool serving() const;
  bool accepts() const;  // new connections: not while it hands over
  core::ConnId accept(std::uint64_t client);
  void request(core::ConnId conn, Request request);
  void client_gone(core::ConnId conn);

  const std::string& name() const { return name_; }
  unsigned side() const { return config_.index - 1; }
  repl::ReplicaStatus status() const;
  core::StateFigures figures() const;
  std::uint64_t hash() const;
  std::uint64_t quarantined() const { return kept_.quarantined; }
  std::uint64_t wills_published() const;
  std::uint64_t deaths_seen() const { return deaths_seen_; }  // connections that ended

  std::int64_t clock_skew_us = 0;    // of the wall clock when the process starts
  bool tail_lost = false;            // lost power and has not been in sync with a primary since
  TimeUs recovery = 0;               // what a start takes until the journal is read
  unsigned actions_left = 0;         // of the replica; the process ends before the last. 0: no end
  std::function<bool()> power_goes;  // asked at an end of its own: true, its host has lost power

 private:
  struct Connection {
    std::uint64_t client = 0;
    core::SeatId seat = core::kNoSeat;
  };
  struct Life;  // all that dies with the process
  class Runtime;

  // repl::ReplicatorHost (node_host.cpp)
  Status apply(const repl::FrameView& frame) override;
  void committed(Lsn lsn) override;
  void status_changed(const repl::ReplicaStatus& status) override;
  TimeMs pair_time() override;
  void learn_pair_time(TimeMs time) override;
  void make_snapshot(std::function<void(Result<SnapshotFile>)> ready) override;
  void release_snapshot(const SnapshotFile& file) override;
  void stands_still(const char* for_what) override;
  Status install_snapshot(const std::string& path, Lsn lsn) override;
  Result<Lsn> rebuild_until(Lsn lsn) override;

  // core::RecordSink
  Lsn append(core::Kind kind, const ByteSource& body) override;
  Lsn prove_reign() override;

  // node.cpp
  void run();
  void recover();
  repl::Ports ports();
  void tick();
  void gone(const std::string& why);
  void journal_failed(const std::string& line);
  // node_leave.cpp
  void switchover(const Told& told);
  void handed_over(bool done);
  void follow(TimeUs until);
  void take_leave();
  void end_when(TimeUs until, std::function<bool()> done);
  // node_clients.cpp
  void turn();
  void serve(core::ConnId conn, const Request& request);
  void serve(Inbox::const_iterator first, Inbox::const_iterator end);
  void connect(core::ConnId conn, const Request& request);
  void publish(core::Origin from, const Request& request);
  void end_turn();
  void release(core::Effects& effects);
  void answer(const core::Effect& effect);
  void stop_serving();
  void note_state(Lsn lsn);
  std::uint64_t local_us() const { return place_.local_us(side()); }

  Place& place_;
  const NodeConfig config_;
  const std::string name_;
  core::Limits limits_;

  // Survives the process.
  Kept kept_;
  core::EngineCounters counters_;  // of all its processes
  std::uint64_t deaths_seen_ = 0;

  std::uint64_t lives_ = 0;
  std::unique_ptr<Life> life_;  // null: the process does not exist
};

}  // namespace tandemq::sim
