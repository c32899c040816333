// Images of the state on disk: the checkpoint, which recovery begins with and which follows the
// journal; snapshots, for a peer that is too far behind and from one; the state rebuilt when the
// journal was cut.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "broker/checkpoint/checkpoint.h"
#include "broker/config/config.h"
#include "broker/core/state.h"
#include "replicator/driver/replicator.h"

struct event_base;

namespace tandemq::broker {

class Images {
 public:
  // State and host live longer. The host applies what is read of the journal, and is told for what
  // the loop stands still.
  Images(const Config& config, core::State& state, repl::ReplicatorHost& host);

  // Fills the state, which is empty. A pair has another copy: it sets a damaged checkpoint aside,
  // and the node begins empty, out of sync, and asks its peer.
  Status load(const std::function<void(const CheckpointProgress&)>& progress);
  // From now on the checkpoint follows the replicator's journal, until close().
  Status open(event_base* base, repl::Replicator& replicator);
  void close() { checkpointer_.reset(); }

  void checkpoint(std::function<void(Result<Lsn>)> done);
  CheckpointFigures figures() const { return checkpointer_->figures(); }

  // As repl::ReplicatorHost has them.
  void make_snapshot(std::function<void(Result<repl::ReplicatorHost::SnapshotFile>)> ready);
  Status install_snapshot(const std::string& path, Lsn lsn);
  Result<Lsn> rebuild_until(Lsn lsn);

 private:
  void ended(const Result<Lsn>& lsn);
  void remake();
  Result<CheckpointInfo> load_again();
  Status apply_journal(Lsn at, Lsn last);

  const std::string folder_;
  const bool single_;
  CheckpointConfig config_;
  core::State& state_;
  repl::ReplicatorHost& host_;
  repl::Replicator* replicator_ = nullptr;  // from open() on
  std::unique_ptr<Checkpointer> checkpointer_;
  std::uint64_t snapshots_ = 0;
  unsigned failures_ = 0;        // checkpoints in a row
  unsigned remakes_failed_ = 0;  // in a row
  bool remaking_ = false;
};

}  // namespace tandemq::broker
