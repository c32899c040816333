// Opening a node's data: meta, journal, and the host's state brought up to the journal's end.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "broker/base/exit_code.h"
#include "replicator/core/history.h"
#include "replicator/shell/meta_file.h"
#include "replicator/shell/replicator_impl.h"

namespace tandemq::repl {
namespace {

constexpr std::size_t kReplayBytes = 1u << 20;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Status ReplicatorImpl::recover(Lsn checkpoint_lsn,
                               const std::function<void(const Progress&)>& progress) {
  if (::mkdir(config_.data_dir.c_str(), 0750) != 0 && errno != EEXIST) {
    return Error{"cannot create " + config_.data_dir + ": " + std::strerror(errno),
                 kExitEnvironment};
  }
  Status done = load_own_meta();
  const Meta loaded = recovered_.meta;
  if (done) done = open_journal();
  if (done) done = meet_checkpoint(checkpoint_lsn);
  if (!done) return done;
  checkpoint_lsn_ = checkpoint_lsn;
  if (!recovered_.meta.needs_snapshot) {
    const Status replayed = replay(checkpoint_lsn, recovered_.last, progress);
    if (!replayed && replayed.error().code == kExitConfiguration) return replayed;
    if (!replayed) done = state_unusable(replayed.error().message);
    if (!done) return done;
  }
  correct_history();
  appended_ = written_ = recovered_.last;
  if (recovered_.meta == loaded || loaded.pair_id.empty()) return Done{};
  return save_meta(meta_path_, recovered_.meta);
}

Status ReplicatorImpl::load_own_meta() {
  const Result<Meta> meta = load_meta(meta_path_);
  if (!meta) return meta.error();
  recovered_.meta = *meta;
  if (meta->pair_id.empty()) return Done{};
  if (meta->pair_id != config_.pair_id || meta->node_index != config_.node_index) {
    return Error{config_.data_dir + " belongs to node " + std::to_string(meta->node_index) +
                     " of pair '" + meta->pair_id + "', the configuration says node " +
                     std::to_string(config_.node_index) + " of pair '" + config_.pair_id +
                     "': correct node.index and replication.pair_id, or use another data_dir",
                 kExitConfiguration};
  }
  const std::string missing = lacking(config_.known, meta->agreed);
  if (!missing.empty()) return newer_data("may hold " + missing);
  return Done{};
}

// A program that was put back finds what a newer one wrote: nothing is touched.
Error ReplicatorImpl::newer_data(const std::string& what) const {
  const std::string& writer = recovered_.meta.software;
  return Error{config_.data_dir + " was written by TandeMQ " +
                   (writer.empty() ? "of a newer version" : writer) + " and " + what +
                   ", which this program (TandeMQ " + config_.software +
                   ") cannot read: install the version that wrote it, or a newer one",
               kExitConfiguration};
}

Status ReplicatorImpl::open_journal() {
  JournalConfig journal;
  journal.dir = config_.data_dir + "/journal";
  journal.segment_bytes = config_.segment_bytes;
  auto opened = Journal::open(journal, base_);
  if (!opened && opened.error().code == kExitDamaged && !config_.single) {
    Status aside = set_journal_aside(opened.error().message);
    if (!aside) return aside;
    opened = Journal::open(journal, base_);
  }
  if (!opened) return opened.error();
  journal_ = std::move(*opened);
  if (!journal_->tail_note().empty()) {
    log("warning", "journal_tail_cut", journal_->tail_note());
  }
  return Done{};
}

// Damaged, and there is a peer to get the state from: kept for whoever wants to look at it.
Status ReplicatorImpl::set_journal_aside(const std::string& why) {
  const std::string from = config_.data_dir + "/journal";
  std::string to;
  struct stat about {};
  for (int i = 1; to.empty() || ::stat(to.c_str(), &about) == 0; ++i) {
    to = config_.data_dir + "/journal.damaged-" + std::to_string(i);
  }
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return Error{"cannot move " + from + " aside: " + std::strerror(errno), kExitEnvironment};
  }
  recovered_.meta.history.clear();
  log("error", "journal_set_aside", why + "; kept as " + to);
  return state_unusable(why);
}

Status ReplicatorImpl::state_unusable(const std::string& why) {
  if (config_.single) {
    return Error{config_.data_dir + ": " + why + "; restore a backup of the whole folder",
                 kExitDamaged};
  }
  log("warning", "state_unusable", why + "; the peer will send a snapshot");
  recovered_.meta.needs_snapshot = true;
  recovered_.meta.in_sync = false;
  return Done{};
}

// Where checkpoint and journal meet, state goes on; where they do not, one of them is of no use.
Status ReplicatorImpl::meet_checkpoint(Lsn checkpoint_lsn) {
  const JournalFigures figures = journal_->figures();
  recovered_.last = figures.last;
  if (recovered_.meta.pair_id.empty() && figures.last > 0) {
    log("warning", "meta_missing", "a journal without meta.json: out of sync");
  }
  const bool had_records = checkpoint_lsn > 0 || !recovered_.meta.history.empty();
  if (figures.last == 0 && had_records && !recovered_.meta.needs_snapshot) {
    // Moved away by the operator, or by accident.
    const std::string why = "the journal " + config_.data_dir + "/journal is missing; record " +
                            std::to_string(checkpoint_lsn) +
                            ", where the checkpoint ends, is the "
                            "last one that is left";
    log("error", "journal_missing", why);
    if (!config_.single) return state_unusable(why);
  }
  if (figures.first != 0 && figures.first > checkpoint_lsn + 1) {
    return state_unusable("the journal begins with record " + std::to_string(figures.first) +
                          ", the checkpoint ends with " + std::to_string(checkpoint_lsn));
  }
  if (figures.last == checkpoint_lsn || (figures.first != 0 && figures.last > checkpoint_lsn)) {
    return Done{};
  }
  if (figures.first == 0 && figures.last > checkpoint_lsn) {
    return state_unusable("the journal is empty behind record " + std::to_string(figures.last) +
                          ", the checkpoint ends with " + std::to_string(checkpoint_lsn));
  }
  // The checkpoint was on disk before the journal's tail was.
  recovered_.last = checkpoint_lsn;
  return journal_->reset(checkpoint_lsn + 1);
}

Status ReplicatorImpl::replay(Lsn from, Lsn to,
                              const std::function<void(const Progress&)>& progress) {
  const auto start = std::chrono::steady_clock::now();
  const KindTable known = table_of(config_.known);
  double told = 0;
  for (Lsn done = from; done < to;) {
    read_buffer_.clear();
    const Result<Lsn> read = journal_->read(done + 1, kReplayBytes, read_buffer_);
    if (!read) return read.error();
    if (*read <= done) return Error{"the journal ends before record " + std::to_string(to)};
    std::string_view rest = read_buffer_;
    FrameView frame;
    while (done < to && read_frame(rest, frame) == FrameRead::frame) {
      if (frame.version > version_in(known, frame.kind))
        return newer_data("its journal holds more: " + unreadable(frame));
      const Status applied = host_.apply(frame);
      if (!applied) {
        return Error{"record " + std::to_string(frame.lsn) +
                     " cannot be applied: " + applied.error().message};
      }
      done = frame.lsn;
      rest.remove_prefix(frame.bytes.size());
    }
    const double seconds = seconds_since(start);
    if (progress && (seconds - told >= 1 || (done == to && told > 0))) {
      told = seconds;
      progress({done - from, to - from, seconds});
    }
  }
  return Done{};
}

// meta.json knows the reigns that the journal no longer holds, the journal knows the others.
void ReplicatorImpl::correct_history() {
  EpochHistory& history = recovered_.meta.history;
  const JournalFigures figures = journal_->figures();
  trim_history(history, recovered_.last);
  if (figures.first == 0) return;
  trim_history(history, figures.first - 1);
  for (Lsn at = figures.first; at != 0 && at <= figures.last;) {
    const Epoch epoch = journal_->epoch_at(at);
    extend_history(history, epoch, at);
    Lsn low = at;  // the last record known to be of this reign
    Lsn high = figures.last + 1;
    while (high - low > 1) {
      const Lsn middle = low + (high - low) / 2;
      (journal_->epoch_at(middle) == epoch ? low : high) = middle;
    }
    at = high;
  }
}

}  // namespace tandemq::repl
