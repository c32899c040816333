// Two real replicators on loopback with fake brokers, on one loop.
#pragma once

#include <event2/event.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fake_host.h"
#include "replicator/driver/replicator.h"
#include "replicator/shell/link_tls.h"
#include "tests/support/temp_dir.h"

namespace tandemq::repl {

struct DriverNode {
  ReplicatorConfig config;
  FakeHost host;
  std::unique_ptr<LinkTls> tls;
  std::unique_ptr<Replicator> replicator;
  std::vector<std::string> log;

  ReplicaStatus status() const { return replicator->status(); }
  bool logged(const std::string& text) const;
  void append(const std::string& text) {
    FrameView frame{0, replicator->append(kFirstUserKind, text), kFirstUserKind, 1, text, {}};
    static_cast<void>(host.apply(frame));
  }
};

class DriverPair {
 public:
  // Options are applied to both configurations before anything is opened.
  explicit DriverPair(std::function<void(ReplicatorConfig&)> options = {});
  ~DriverPair();

  // Opens and starts a node on its data folder, recovering from its host's checkpoint.
  Status try_start(DriverNode& node);
  void start(DriverNode& node);
  void start_both() { start(b), start(a); }
  // As kill -9 does: nothing is said, nothing is written.
  void kill(DriverNode& node);
  // Runs the loop until the condition holds; false after `ms`.
  bool run_until(const std::function<bool()>& condition, int ms = 5000);
  void run_for(int ms);
  // Both started, a promoted and paired.
  void pair_up();
  bool paired(const DriverNode& primary, const DriverNode& standby) const;
  // Appends the records r<from> to r<to - 1>, a turn for every seven.
  void write(DriverNode& node, int from, int to);

  DriverNode a;  // dials
  DriverNode b;  // listens
  event_base* base = nullptr;
  test::TempDir dir;
  std::filesystem::path folder = dir.path();
};

bool all_committed(const DriverNode& node);
// Any file of the folder; empty when there is none.
std::string only_file(const std::filesystem::path& folder);

}  // namespace tandemq::repl
