// Images of the state: made for a peer that is too far behind, taken over from a peer, and rebuilt
// when the journal was cut.
#include <unistd.h>

#include "broker/shell/node.h"
#include "broker/support/log.h"
#include "broker/support/service_notify.h"

namespace tandemq::broker {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;

// The loop stands still for as long as the state is loaded: systemd must hear that this is work.
void still_alive(const CheckpointProgress&) {
  notify_watchdog();
}

}  // namespace

void Node::make_snapshot(std::function<void(Result<SnapshotFile>)> ready) {
  const std::string path =
      config_.node.data_dir + "/snapshot-" + std::to_string(++snapshots_) + ".db";
  // A new reign has committed nothing yet, and commits nothing before its standby is filled;
  // without a checkpoint from before there would be no state to send. What it began with it never
  // gives up but for another history, and then it is filled by snapshot itself.
  const Lsn committed = replicator_->status().committed;
  const bool nothing_yet = committed == 0 && checkpointer_->figures().lsn == 0;
  const Lsn upto = nothing_yet ? replicator_->journal_figures().written : committed;
  checkpointer_->start(upto, [this, path, ready](Result<Lsn> folded) {
    checkpoint_ended(folded);
    if (!folded) return ready(folded.error());
    checkpointer_->make_snapshot(path, [this, ready](Result<CheckpointSnapshot> snapshot) {
      if (!snapshot) checkpoint_ended(snapshot.error());
      if (!snapshot) return ready(snapshot.error());
      ready(SnapshotFile{snapshot->path, snapshot->lsn});
    });
  });
}

void Node::release_snapshot(const SnapshotFile& file) {
  unlink(file.path.c_str());
}

// The agent must not take it for a hang.
void Node::stands_still(const char* for_what) {
  busy_ = for_what;
  notify_watchdog();
  if (!control_) return;
  control_->announce();
  control_->flush();
}

Status Node::install_snapshot(const std::string& path, Lsn lsn) {
  if (checkpointer_) checkpointer_->abandon();
  notify_watchdog();
  Result<CheckpointInfo> installed = checkpoint_install(checkpoint_config_, path, lsn);
  if (!installed) return installed.error();
  state_.clear();
  Result<CheckpointInfo> loaded = checkpoint_load(checkpoint_config_, state_, still_alive);
  if (!loaded) state_.clear();
  if (!loaded) return loaded.error();
  log(LogLevel::notice, "snapshot_installed",
      {{"lsn", lsn}, {"rows", loaded->rows.total()}, {"bytes", loaded->bytes}});
  return Done{};
}

Result<Lsn> Node::rebuild_until(Lsn lsn) {
  if (!replicator_ || !checkpointer_) return Error{"the node has not recovered yet"};
  checkpointer_->abandon();
  Result<CheckpointInfo> info = checkpoint_inspect(checkpoint_config_.path);
  if (!info) return info.error();
  if (info->meta.lsn > lsn) {
    return Error{"the checkpoint holds records up to " + std::to_string(info->meta.lsn) +
                 ", after the cut at " + std::to_string(lsn) + "; a snapshot is needed"};
  }
  state_.clear();
  Result<CheckpointInfo> loaded = checkpoint_load(checkpoint_config_, state_, still_alive);
  if (!loaded) state_.clear();
  if (!loaded) return loaded.error();
  std::string frames;
  for (Lsn at = loaded->meta.lsn; at < lsn;) {
    notify_watchdog();
    frames.clear();
    Result<Lsn> last = replicator_->read_journal(at + 1, kReadBytes, frames);
    if (!last) return last.error();
    if (*last <= at) return Error{"the journal ends before " + std::to_string(lsn)};
    std::string_view rest = frames;
    for (repl::FrameView frame;
         at < lsn && repl::read_frame(rest, frame) == repl::FrameRead::frame;) {
      Status applied = apply(frame);
      if (!applied) return applied.error();
      at = frame.lsn;
      rest.remove_prefix(frame.bytes.size());
    }
  }
  log(LogLevel::notice, "state_rebuilt", {{"lsn", lsn}, {"checkpoint_lsn", loaded->meta.lsn}});
  return lsn;
}

}  // namespace tandemq::broker
