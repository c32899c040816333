// The loop's side of the checkpoint.
#include "broker/checkpoint/checkpoint.h"

#include <event2/event.h>

#include <chrono>
#include <unordered_map>

#include "broker/checkpoint/fold.h"
#include "broker/checkpoint/handover.h"
#include "broker/checkpoint/worker.h"

namespace tandemq::broker {

namespace {

using namespace checkpoint;
using FoldDone = std::function<void(Result<Lsn>)>;
using SnapshotDone = std::function<void(Result<CheckpointSnapshot>)>;

class CheckpointerImpl final : public Checkpointer {
 public:
  CheckpointerImpl(event_base* base, const CheckpointConfig& config, const CheckpointInfo& info,
                   JournalReader read)
      : config_(config), read_(std::move(read)), worker_(config, info, hand_over_) {
    event_ = event_new(
        base, hand_over_.loop_fd(), EV_READ | EV_PERSIST,
        [](evutil_socket_t, short, void* self) { static_cast<CheckpointerImpl*>(self)->turn(); },
        this);
    event_add(event_, nullptr);
  }

  ~CheckpointerImpl() override {
    event_free(event_);
    hand_over_.end_thread();
  }

  void start(Lsn up_to, FoldDone done) override {
    if (abandoning_) return done(stopped());
    fold_done_.emplace(++last_job_, std::move(done));
    hand_over_.add_job({last_job_, FoldJob{up_to}});
  }

  void make_snapshot(const std::string& path, SnapshotDone done) override {
    if (abandoning_) return done(stopped());
    snapshot_done_.emplace(++last_job_, std::move(done));
    hand_over_.add_job({last_job_, SnapshotJob{path}});
  }

  void remake(const core::State& state, FoldDone done) override {
    if (abandoning_) return done(stopped());
    const std::uint64_t number = ++last_job_;
    const Fold* whole = wholes_.emplace(number, Fold::of(state)).first->second.get();
    fold_done_.emplace(number, std::move(done));
    hand_over_.add_job({number, RemakeJob{whole}});
  }

  void abandon() override {
    hand_over_.abandon();
    abandoning_ = true;  // who hears how its work ended must not begin more on the same file
    deliver();
    abandoning_ = false;
  }

  CheckpointFigures figures() const override {
    CheckpointFigures figures = hand_over_.figures();
    figures.slices_total = slices_total_;
    figures.slice_us_max = slice_us_max_;
    return figures;
  }

 private:
  static Error stopped() { return Error{"the checkpoint is left alone", kCheckpointStopped}; }

  void turn() {
    deliver();
    if (auto wanted = hand_over_.wanted()) read_slice(*wanted);
  }

  void deliver() {
    for (JobResult& result : hand_over_.take_results()) {
      wholes_.erase(result.number);
      if (auto* folded = std::get_if<Result<Lsn>>(&result.result)) {
        if (auto done = fold_done_.extract(result.number)) done.mapped()(std::move(*folded));
      } else if (auto done = snapshot_done_.extract(result.number)) {
        done.mapped()(std::move(std::get<Result<CheckpointSnapshot>>(result.result)));
      }
    }
  }

  void read_slice(const HandOver::Wanted& wanted) {
    const auto began = std::chrono::steady_clock::now();
    std::string bytes;
    const auto last = read_(wanted.from, config_.slice_bytes, bytes);
    if (!last) {
      hand_over_.put_slice(wanted, last.error(), 0);
    } else {
      hand_over_.put_slice(wanted, std::move(bytes), *last);
    }
    const auto took = std::chrono::steady_clock::now() - began;
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    ++slices_total_;
    slice_us_max_ = std::max(slice_us_max_, static_cast<std::uint64_t>(us));
  }

  const CheckpointConfig config_;
  JournalReader read_;
  std::uint64_t last_job_ = 0;
  bool abandoning_ = false;
  std::unordered_map<std::uint64_t, FoldDone> fold_done_;
  std::unordered_map<std::uint64_t, SnapshotDone> snapshot_done_;
  std::unordered_map<std::uint64_t, std::unique_ptr<const Fold>> wholes_;  // of remakes, by job
  std::uint64_t slices_total_ = 0, slice_us_max_ = 0;
  event* event_ = nullptr;
  HandOver hand_over_;
  Worker worker_;  // last: its thread ends before anything else goes
};

}  // namespace

Result<std::unique_ptr<Checkpointer>> Checkpointer::open(event_base* base,
                                                         const CheckpointConfig& config,
                                                         JournalReader read) {
  auto info = checkpoint_inspect(config.path);
  if (!info) return info.error();
  return std::unique_ptr<Checkpointer>(
      std::make_unique<CheckpointerImpl>(base, config, *info, std::move(read)));
}

}  // namespace tandemq::broker
