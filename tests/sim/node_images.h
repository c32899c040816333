// The checkpoint of a node and its snapshots, as broker/shell/images: folded from the journal, made
// anew from memory when that fails again and again.
#pragma once

#include <functional>
#include <string>

#include "tests/sim/node.h"
#include "tests/sim/process.h"

namespace tandemq::sim {

class NodeImages {
 public:
  NodeImages(Place& place, Process& process, Kept& kept, core::State& state,
             const std::string& node)
      : place_(place), process_(process), kept_(kept), state_(state), node_(node) {}

  void load();  // into the state, at the start
  void open(repl::Replicator& replicator) { replicator_ = &replicator; }
  void checkpoint();
  using SnapshotFile = repl::ReplicatorHost::SnapshotFile;
  void make_snapshot(std::function<void(Result<SnapshotFile>)> ready);
  Status install(const std::string& path, Lsn lsn);
  // The record that the state is at then; the driver takes the journal from there.
  Result<Lsn> rebuild_until(Lsn lsn);

 private:
  Result<Lsn> fold(Lsn upto);
  void ended(const Result<Lsn>& lsn);
  void remake();

  Place& place_;
  Process& process_;
  Kept& kept_;
  core::State& state_;
  const std::string& node_;
  repl::Replicator* replicator_ = nullptr;
  unsigned failures_ = 0;  // in a row
  bool remaking_ = false;
  std::uint64_t abandoned_ = 0;  // times that what is being made has lost its ground
};

}  // namespace tandemq::sim
