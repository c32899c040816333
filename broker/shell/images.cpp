#include "broker/shell/images.h"

#include <algorithm>
#include <utility>

#include "broker/support/log.h"
#include "broker/support/service_notify.h"

namespace tandemq::broker {
namespace {

constexpr std::uint64_t kSpareSegments = 2;  // of the journal, left free by a copy of the state
constexpr std::size_t kReadBytes = 1 << 20;
constexpr unsigned kFailuresInRow = 3;  // of a disk that may be well again next time
constexpr unsigned kDoublingsMax = 6;   // of the patience, while it cannot be made anew

// The loop stands still for as long as the state is loaded: systemd must hear that this is work.
void still_alive(const CheckpointProgress&) {
  notify_watchdog();
}

}  // namespace

Images::Images(const Config& config, core::State& state, repl::ReplicatorHost& host)
    : folder_(config.node.data_dir),
      single_(config.replication.single),
      state_(state),
      host_(host) {
  config_.path = folder_ + "/checkpoint.db";
  config_.pair_id = config.replication.pair_id;
  config_.spare_bytes = kSpareSegments * config.replication.segment_bytes;
}

Status Images::load(const std::function<void(const CheckpointProgress&)>& progress) {
  for (const bool retry : {true, false}) {
    Result<CheckpointInfo> info = checkpoint_prepare(config_);
    if (info) info = checkpoint_load(config_, state_, progress);
    if (info) return Done{};
    state_.clear();
    const Error error = info.error();
    const bool may_resync = error.code == kCheckpointDamaged && !single_;
    if (!retry || !may_resync) return error;
    Result<std::string> aside = checkpoint_set_aside(config_);
    if (!aside) return aside.error();
    log(LogLevel::error, "checkpoint_damaged",
        {{"reason", error.message}, {"kept_as", *aside}, {"remedy", "resync from the peer"}});
  }
  return Done{};
}

Status Images::open(event_base* base, repl::Replicator& replicator) {
  Result<std::unique_ptr<Checkpointer>> opened = Checkpointer::open(
      base, config_, [&replicator](Lsn first, std::size_t bytes_max, std::string& out) {
        return replicator.read_journal(first, bytes_max, out);
      });
  if (!opened) return opened.error();
  checkpointer_ = std::move(opened).value();
  replicator_ = &replicator;
  return Done{};
}

void Images::checkpoint(std::function<void(Result<Lsn>)> done) {
  checkpointer_->start(replicator_->status().committed,
                       [this, done = std::move(done)](const Result<Lsn>& lsn) {
                         ended(lsn);
                         done(lsn);
                       });
}

// A checkpoint that cannot be continued is made anew from memory, while clients are served: without
// one the journal would grow until the disk is full.
void Images::ended(const Result<Lsn>& lsn) {
  if (lsn) {
    failures_ = 0;
    return replicator_->checkpointed(*lsn);
  }
  const Error& error = lsn.error();
  if (error.code == kCheckpointStopped) return;
  log(LogLevel::error, "checkpoint_failed", {{"reason", error.message}});
  ++failures_;
  const unsigned patience = error.code == kCheckpointDamaged ? 1 : kFailuresInRow;
  if (failures_ >= patience << std::min(remakes_failed_, kDoublingsMax)) remake();
}

// Also of a state that the peer's is to replace: it is at one record as ever, or empty.
void Images::remake() {
  if (remaking_) return;
  remaking_ = true;
  failures_ = 0;
  host_.stands_still("copies its state for a new checkpoint");
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

void Images::make_snapshot(std::function<void(Result<repl::ReplicatorHost::SnapshotFile>)> ready) {
  const std::string path = folder_ + "/snapshot-" + std::to_string(++snapshots_) + ".db";
  // A new reign has committed nothing yet, and commits nothing before its standby is filled;
  // without a checkpoint from before there would be no state to send. What it began with it never
  // gives up but for another history, and then it is filled by snapshot itself.
  const Lsn committed = replicator_->status().committed;
  const bool nothing_yet = committed == 0 && checkpointer_->figures().lsn == 0;
  const Lsn upto = nothing_yet ? replicator_->journal_figures().written : committed;
  checkpointer_->start(upto, [this, path, ready](Result<Lsn> folded) {
    ended(folded);
    if (!folded) return ready(folded.error());
    checkpointer_->make_snapshot(path, [this, ready](Result<CheckpointSnapshot> snapshot) {
      if (!snapshot) ended(snapshot.error());
      if (!snapshot) return ready(snapshot.error());
      ready(repl::ReplicatorHost::SnapshotFile{snapshot->path, snapshot->lsn});
    });
  });
}

Status Images::install_snapshot(const std::string& path, Lsn lsn) {
  if (checkpointer_) checkpointer_->abandon();
  notify_watchdog();
  Result<CheckpointInfo> installed = checkpoint_install(config_, path, lsn, still_alive);
  if (!installed) return installed.error();
  Result<CheckpointInfo> loaded = load_again();
  if (!loaded) return loaded.error();
  log(LogLevel::notice, "snapshot_installed",
      {{"lsn", lsn}, {"rows", loaded->rows.total()}, {"bytes", loaded->bytes}});
  return Done{};
}

Result<Lsn> Images::rebuild_until(Lsn lsn) {
  if (!checkpointer_) return Error{"the node has not recovered yet"};
  checkpointer_->abandon();
  Result<CheckpointInfo> info = checkpoint_inspect(config_.path);
  if (!info) return info.error();
  if (info->meta.lsn > lsn) {
    return Error{"the checkpoint holds records up to " + std::to_string(info->meta.lsn) +
                 ", after the cut at " + std::to_string(lsn) + "; a snapshot is needed"};
  }
  Result<CheckpointInfo> loaded = load_again();
  if (!loaded) return loaded.error();
  Status applied = apply_journal(loaded->meta.lsn, lsn);
  if (!applied) return applied.error();
  log(LogLevel::notice, "state_rebuilt", {{"lsn", lsn}, {"checkpoint_lsn", loaded->meta.lsn}});
  return lsn;
}

Result<CheckpointInfo> Images::load_again() {
  state_.clear();
  Result<CheckpointInfo> loaded = checkpoint_load(config_, state_, still_alive);
  if (!loaded) state_.clear();
  return loaded;
}

// The records after `at`, up to `last`.
Status Images::apply_journal(Lsn at, Lsn last) {
  std::string frames;
  while (at < last) {
    notify_watchdog();
    frames.clear();
    Result<Lsn> read = replicator_->read_journal(at + 1, kReadBytes, frames);
    if (!read) return read.error();
    if (*read <= at) return Error{"the journal ends before " + std::to_string(last)};
    std::string_view rest = frames;
    for (repl::FrameView frame;
         at < last && repl::read_frame(rest, frame) == repl::FrameRead::frame;) {
      Status applied = host_.apply(frame);
      if (!applied) return applied;
      at = frame.lsn;
      rest.remove_prefix(frame.bytes.size());
    }
  }
  return Done{};
}

}  // namespace tandemq::broker
