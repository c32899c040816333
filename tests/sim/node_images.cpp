#include "tests/sim/node_images.h"

#include <utility>

namespace tandemq::sim {
namespace {

constexpr unsigned kFailuresInRow = 3;

}  // namespace

void NodeImages::load() {
  if (kept_.checkpoint) kept_.checkpoint->restore(state_);
}

void NodeImages::checkpoint() {
  ended(fold(replicator_->status().committed));
}

void NodeImages::ended(const Result<Lsn>& lsn) {
  if (lsn) {
    failures_ = 0;
    return replicator_->checkpointed(*lsn);
  }
  if (++failures_ >= kFailuresInRow) remake();
}

// What is in memory may be ahead of what is committed, and of what the journal has on its disk.
void NodeImages::remake() {
  if (std::exchange(remaking_, true)) return;
  failures_ = 0;
  place_.say(node_ + ": makes its checkpoint anew from memory, up to record " +
             std::to_string(state_.meta().lsn));
  const TimeUs time = disk_time(kept_, place_.clock, place_.random, 300 * kMs);
  process_.after(time, [this, made = Image::of(state_), before = abandoned_] {
    remaking_ = false;
    if (before != abandoned_) return;
    kept_.checkpoint = made;
    replicator_->checkpointed(made->lsn());
  });
}

// Checkpoint and journal to a newer checkpoint, by the same State.
Result<Lsn> NodeImages::fold(Lsn upto) {
  if (kept_.folds_fail) return Error{"the checkpoint cannot be written"};
  core::State state;
  if (kept_.checkpoint) kept_.checkpoint->restore(state);
  std::string frames;
  while (state.meta().lsn < upto) {
    frames.clear();
    const Result<Lsn> read = replicator_->read_journal(state.meta().lsn + 1, 64 << 10, frames);
    if (!read) return read.error();
    if (*read <= state.meta().lsn) return Error{"the journal ends before the fold"};
    repl::FrameView frame;
    for (std::string_view left = frames;
         state.meta().lsn < upto && repl::read_frame(left, frame) == repl::FrameRead::frame;
         left.remove_prefix(frame.bytes.size())) {
      const Status applied =
          state.apply_encoded(frame.lsn, static_cast<core::Kind>(frame.kind), frame.body);
      if (!applied) return applied.error();
    }
  }
  kept_.checkpoint = Image::of(state);
  return state.meta().lsn;
}

void NodeImages::make_snapshot(std::function<void(Result<SnapshotFile>)> ready) {
  process_.after(place_.random.between(1 * kMs, 30 * kMs), [this, ready = std::move(ready)] {
    const Lsn committed = replicator_->status().committed;
    const bool nothing_yet = committed == 0 && !kept_.checkpoint;
    const Result<Lsn> folded =
        fold(nothing_yet ? replicator_->journal_figures().written : committed);
    ended(folded);
    if (!folded) return ready(folded.error());
    const std::uint64_t number = place_.snapshots.size() + 1;
    place_.snapshots[number] = kept_.checkpoint;
    ready(SnapshotFile{std::to_string(number), kept_.checkpoint->lsn()});
  });
}

Status NodeImages::install(const std::string& path, Lsn lsn) {
  ++abandoned_;
  const std::shared_ptr<const Image> image = place_.snapshots.at(std::stoull(path));
  if (image->lsn() != lsn) return Error{"the snapshot is of another record"};
  kept_.checkpoint = image;
  image->restore(state_);
  return Done{};
}

Result<Lsn> NodeImages::rebuild_until(Lsn lsn) {
  ++abandoned_;
  if (kept_.checkpoint && kept_.checkpoint->lsn() > lsn) {
    return Error{"the checkpoint is beyond the cut"};
  }
  state_.clear();
  load();
  return state_.meta().lsn;
}

}  // namespace tandemq::sim
