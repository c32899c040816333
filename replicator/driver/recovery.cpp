#include "replicator/driver/recovery.h"

#include <algorithm>

#include "broker/base/exit_code.h"
#include "replicator/core/history.h"

namespace tandemq::repl {
namespace {

constexpr std::size_t kReplayBytes = 1u << 20;

// Of a newer program, or not to be read just now: the data may well be whole.
bool leaves_all_as_it_is(const Error& error) {
  return error.code == kExitConfiguration || error.code == kExitEnvironment;
}

}  // namespace

Result<std::unique_ptr<Journal>> Recovery::run(
    Lsn checkpoint_lsn, const std::function<void(const Replicator::Progress&)>& progress) {
  Status done = ports_.folder->prepare();
  if (done) done = load_own_meta();
  const Meta loaded = meta_;
  std::unique_ptr<Journal> journal;
  if (done) done = open_journal(journal);
  if (done) done = meet_checkpoint(*journal, checkpoint_lsn);
  if (!done) return done.error();
  if (!meta_.needs_snapshot) {
    const Status replayed = replay(*journal, checkpoint_lsn, last_, progress);
    if (!replayed && leaves_all_as_it_is(replayed.error())) return replayed.error();
    if (!replayed) done = state_unusable(replayed.error().message);
    if (!done) return done.error();
  }
  correct_history(*journal);
  if (meta_ != loaded && !loaded.pair_id.empty()) done = ports_.folder->save_meta(meta_);
  if (!done) return done.error();
  return journal;
}

Status Recovery::load_own_meta() {
  const Result<Meta> meta = ports_.folder->load_meta();
  if (!meta) return meta.error();
  meta_ = *meta;
  if (meta->pair_id.empty()) return Done{};
  if (meta->pair_id != config_.pair_id || meta->node_index != config_.node_index) {
    return Error{ports_.folder->name() + " belongs to node " + std::to_string(meta->node_index) +
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
Error Recovery::newer_data(const std::string& what) const {
  const std::string& writer = meta_.software;
  return Error{ports_.folder->name() + " was written by TandeMQ " +
                   (writer.empty() ? "of a newer version" : writer) + " and " + what +
                   ", which this program (TandeMQ " + config_.software +
                   ") cannot read: install the version that wrote it, or a newer one",
               kExitConfiguration};
}

Status Recovery::open_journal(std::unique_ptr<Journal>& journal) {
  auto opened = ports_.folder->open_journal();
  if (!opened && opened.error().code == kExitDamaged && !config_.single) {
    const std::string& why = opened.error().message;
    if (!meta_.peer_in_sync && !meta_.needs_snapshot) return only_here(why);
    Status aside = set_journal_aside(why);
    if (!aside) return aside;
    opened = ports_.folder->open_journal();
  }
  if (!opened) return opened.error();
  journal = std::move(*opened);
  if (!journal->tail_note().empty()) {
    ports_.runtime->log("warning", "journal_tail_cut", journal->tail_note());
  }
  return Done{};
}

// Whether it is to be given up, only the operator can say.
Error Recovery::only_here(const std::string& why) const {
  return Error{"this node went on alone, and what it acknowledged then is in " +
                   ports_.folder->name() + " and nowhere else: " + why,
               kExitDamaged};
}

// Damaged, and there is a peer to get the state from: kept for whoever wants to look at it.
Status Recovery::set_journal_aside(const std::string& why) {
  const Result<std::string> kept = ports_.folder->set_journal_aside();
  if (!kept) return kept.error();
  meta_.history.clear();
  ports_.runtime->log("error", "journal_set_aside", why + "; kept as " + *kept);
  return state_unusable(why);
}

Status Recovery::state_unusable(const std::string& why) {
  if (config_.single) {
    return Error{ports_.folder->name() + ": " + why + "; restore a backup of the whole folder",
                 kExitDamaged};
  }
  ports_.runtime->log("warning", "state_unusable", why + "; the peer will send a snapshot");
  meta_.needs_snapshot = true;
  meta_.in_sync = false;
  return Done{};
}

// Where checkpoint and journal meet, state goes on; where they do not, one of them is of no use.
Status Recovery::meet_checkpoint(Journal& journal, Lsn checkpoint_lsn) {
  const JournalFigures figures = journal.figures();
  last_ = figures.last;
  if (meta_.pair_id.empty() && figures.last > 0 && !config_.single) {
    ports_.runtime->log("warning", "meta_missing", "a journal without meta.json: out of sync");
  }
  const bool had_records = checkpoint_lsn > 0 || !meta_.history.empty();
  if (figures.last == 0 && had_records && !meta_.needs_snapshot) {
    // Moved away by the operator, or by accident.
    const std::string why = "the journal " + ports_.folder->name() +
                            "/journal is missing; record " + std::to_string(checkpoint_lsn) +
                            ", where the checkpoint ends, is the "
                            "last one that is left";
    ports_.runtime->log("error", "journal_missing", why);
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
  last_ = checkpoint_lsn;
  return journal.reset(checkpoint_lsn + 1);
}

Status Recovery::replay(Journal& journal, Lsn from, Lsn to,
                        const std::function<void(const Replicator::Progress&)>& progress) {
  std::string frames;
  const std::uint64_t start_ms = ports_.runtime->now_ms();
  const KindTable known = table_of(config_.known);
  double told = 0;
  for (Lsn done = from; done < to;) {
    frames.clear();
    const Result<Lsn> read = journal.read(done + 1, kReplayBytes, frames);
    if (!read) return read.error();
    if (*read <= done) return Error{"the journal ends before record " + std::to_string(to)};
    std::string_view rest = frames;
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
    const double seconds = static_cast<double>(ports_.runtime->now_ms() - start_ms) / 1000;
    if (progress && (seconds - told >= 1 || (done == to && told > 0))) {
      told = seconds;
      progress({done - from, to - from, seconds});
    }
  }
  return Done{};
}

// meta.json knows the reigns that the journal no longer holds, the journal knows the others.
void Recovery::correct_history(Journal& journal) {
  EpochHistory& history = meta_.history;
  const JournalFigures figures = journal.figures();
  trim_history(history, last_);
  if (figures.first == 0) return;
  trim_history(history, figures.first - 1);
  for (Lsn at = figures.first; at != 0 && at <= figures.last;) {
    const Epoch epoch = journal.epoch_at(at);
    extend_history(history, epoch, at);
    Lsn low = at;  // the last record known to be of this reign
    Lsn high = figures.last + 1;
    while (high - low > 1) {
      const Lsn middle = low + (high - low) / 2;
      (journal.epoch_at(middle) == epoch ? low : high) = middle;
    }
    at = high;
  }
}

}  // namespace tandemq::repl
