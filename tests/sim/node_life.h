// What dies with the process of a node; for node*.cpp only.
#pragma once

#include "tests/sim/node.h"
#include "tests/sim/node_images.h"
#include "tests/sim/node_link.h"
#include "tests/sim/process.h"

namespace tandemq::sim {

struct Node::Life {
  Life(Place& place, Kept& kept, const std::string& node)
      : process(place.clock), images(place, process, kept, state, node) {}
  ~Life() { process.end(); }

  Process process;
  core::State state;
  NodeImages images;
  std::unique_ptr<repl::Replicator> replicator;  // null while it recovers
  NodeLink* link = nullptr;                      // the replicator's
  std::unique_ptr<core::Engine> engine;          // while this node leads
  broker::Outbox outbox;
  std::pair<Epoch, Lsn> reign;  // begun here last, with this record
  Lsn released = 0;             // committed as far as clients are concerned

  std::map<core::ConnId, Connection> connections;
  Inbox inbox;
  bool turn_due = false;
  bool draining = false;     // a switchover: the listeners are closed, nobody is read
  bool leaving = false;      // SIGTERM came
  bool handed_over = false;  // the peer reigns by this node's offer
  core::Effects effects;
  repl::ReplicaStatus known;

  bool dead = false;  // the journal has failed: nothing happens any more until the kill
  bool tail_cut = false;
  std::int64_t pair_offset_ms = 0;  // pair time minus local time
  TimeUs checkpoint_at = 0;
  unsigned turns = 0;
};

// The driver's process: its loop, its clock, and the ears of the checkers.
class Node::Runtime final : public repl::Runtime {
 public:
  explicit Runtime(Node& node) : node_(node), process_(node.life_->process) {}

  std::uint64_t now_ms() override { return node_.local_us() / 1000; }
  std::uint64_t wall_s() override { return now_ms() / 1000 + 1'700'000'000; }
  void later(std::function<void()> what) override { process_.after(0, std::move(what)); }
  Timer every(std::uint32_t ms, std::function<void()> what) override;
  void log(const char* level, const char* event, const std::string& reason) override;
  [[noreturn]] void end(int) override { throw ProcessEnds{}; }
  void about_to(const repl::Action& action) override;
  void stepped(const repl::Replica& replica) override;

 private:
  Node& node_;
  Process& process_;
};

}  // namespace tandemq::sim
