// A checkpoint that cannot be continued is made anew from memory, while clients are served: without
// one the journal would grow until the disk is full.
#include <algorithm>

#include "broker/shell/node.h"
#include "broker/support/log.h"

namespace tandemq::broker {
namespace {

constexpr unsigned kFailuresInRow = 3;  // of a disk that may be well again next time
constexpr unsigned kDoublingsMax = 6;   // of the patience, while it cannot be made anew

}  // namespace

void Node::checkpoint_ended(const Result<Lsn>& lsn) {
  if (lsn) {
    checkpoint_failures_ = 0;
    return replicator_->checkpointed(*lsn);
  }
  const Error& error = lsn.error();
  if (error.code == kCheckpointStopped) return;
  log(LogLevel::error, "checkpoint_failed", {{"reason", error.message}});
  ++checkpoint_failures_;
  const unsigned patience = error.code == kCheckpointDamaged ? 1 : kFailuresInRow;
  if (checkpoint_failures_ >= patience << std::min(remakes_failed_, kDoublingsMax)) {
    remake_checkpoint();
  }
}

// Also of a state that the peer's is to replace: it is at one record as ever, or empty.
void Node::remake_checkpoint() {
  if (remaking_) return;
  remaking_ = true;
  checkpoint_failures_ = 0;
  stands_still("copies its state for a new checkpoint");
  checkpointer_->remake(state_, [this](const Result<Lsn>& made) {
    remaking_ = false;
    if (made) {
      remakes_failed_ = 0;
      log(LogLevel::warning, "checkpoint_remade",
          {{"lsn", *made}, {"reason", "the old one could not be continued"}});
      replicator_->checkpointed(*made);
    } else if (made.error().code != kCheckpointStopped) {
      ++remakes_failed_;
      log(LogLevel::error, "checkpoint_not_remade",
          {{"reason", made.error().message}, {"next", "after some more checkpoints that fail"}});
    }
  });
}

}  // namespace tandemq::broker
