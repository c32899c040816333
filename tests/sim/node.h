// One simulated node: the real journal on a disk in memory, the real core, the real replication
// machine, and the driver between them as the contracts of replica.h ask for it.
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
#include "replicator/core/replica.h"
#include "replicator/shell/journal.h"
#include "tests/sim/checker.h"
#include "tests/sim/image.h"
#include "tests/sim/network.h"
#include "tests/sim/packets.h"
#include "tests/support/memory_disk.h"

namespace tandemq::sim {

// What both nodes and the clients live in.
struct Place {
  Clock clock;
  Random random{0};
  Trace trace;
  Checker checker;
  Network network{clock, random};
  std::map<std::uint64_t, std::shared_ptr<const Image>> snapshots;  // by number, while streamed
  std::function<void(std::uint64_t client, core::ConnId, Reply)> to_client;
  void say(const std::string& text) { trace.line(clock.now(), text); }
};

// What is broken on purpose, to see that the checkers notice (--break).
enum class Broken : std::uint8_t { nothing, commit, dedup, fence, sync, apply, order };

struct NodeConfig {
  unsigned index = 1;
  repl::CommitRule commit = repl::CommitRule::replicated;
  std::uint64_t segment_bytes = 16 << 10;
  TimeUs checkpoint_every = 2 * kSecond;
  unsigned journal_short = 25;  // chance in percent that a checkpoint drops what the peer needs
  Broken broken = Broken::nothing;
};

class Node final : public LinkEnd, public core::RecordSink {
 public:
  Node(Place& place, const NodeConfig& config);
  ~Node() override;

  // Process and host.
  void start();
  void kill(const std::string& why);  // the process; what it wrote stays
  void lose_power(unsigned kept);     // the host: what was not synced goes, but for `kept` percent
  bool running() const override;
  test::MemoryDisk& disk() { return *disk_; }

  // Orders of the agent; the refusal, empty when done.
  std::string promote(Epoch at_least, bool force);
  std::string go_solo(const std::string& authority);
  std::string switchover();
  std::string leave();
  std::string demote(const std::string& why);

  // Link.
  bool wants_link() const override;
  void link_up() override;
  void link_down(const std::string& reason) override;
  void link_received(const std::string& bytes) override;

  // Clients.
  bool serving() const;
  core::ConnId accept(std::uint64_t client);
  void request(core::ConnId conn, Request request);
  void client_gone(core::ConnId conn);

  const std::string& name() const { return name_; }
  unsigned side() const { return config_.index - 1; }
  repl::ReplicaStatus status() const;
  const repl::Meta& meta() const { return meta_; }
  core::StateFigures figures() const;
  std::uint64_t hash() const;
  std::uint64_t quarantined() const { return quarantined_; }
  std::uint64_t wills_published() const;
  std::uint64_t deaths_seen() const { return deaths_seen_; }  // connections that ended

  TimeUs disk_delay_max = 2 * kMs;  // of one sync
  std::int64_t clock_skew_us = 0;   // added to the monotonic clock, may change
  bool tail_lost = false;           // lost power and has not been in sync with a primary since

 private:
  struct Connection {
    std::uint64_t client = 0;
    core::SessionId session = core::kNoSession;
  };
  struct Process;  // all that dies with it
  struct Executor;

  Lsn append(core::Kind kind, std::string_view body) override;
  bool recover(repl::Meta& meta);
  void tick();
  void step(repl::EventKind what);
  void step_one(repl::EventKind what);
  std::string order(repl::EventKind what);
  void later(TimeUs delay, std::function<void()> what);  // dropped when the process has died
  void stop(const std::string& line);

  void turn();
  void serve(core::ConnId conn, const Request& request);
  void connect(core::ConnId conn, const Request& request);
  void end_turn();
  void release(core::Effects& effects);
  void answer(const core::Effect& effect);
  void stop_serving();

  void committed(Lsn lsn);
  void check_reign();
  void note_state(Lsn lsn);
  bool apply_frames(std::string_view frames, Lsn through);
  void take_checkpoint();
  TimeMs pair_time();
  std::uint64_t local_us() const;

  Place& place_;
  const NodeConfig config_;
  const std::string name_;
  core::Limits limits_;

  // Survives the process.
  std::unique_ptr<test::MemoryDisk> disk_;
  repl::Meta meta_;
  std::shared_ptr<const Image> checkpoint_;
  std::uint64_t quarantined_ = 0;
  std::uint64_t wills_before_ = 0;  // published by processes that are gone
  std::uint64_t deaths_seen_ = 0;
  core::ConnId last_conn_ = 0;

  std::unique_ptr<Process> process_;
  std::uint64_t incarnation_ = 0;
};

}  // namespace tandemq::sim
