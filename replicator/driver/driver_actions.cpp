// Carries out what the machine wants done.
#include <algorithm>

#include "broker/base/bytes.h"
#include "broker/base/check.h"
#include "replicator/driver/driver.h"

namespace tandemq::repl {
namespace {

constexpr std::size_t kRecordsMax = 32u << 20;  // bytes of frames in one message, about

std::string control_body(const action::AppendControl& a, TimeMs pair_time) {
  std::string body;
  if (a.kind == ControlKind::reign_began) put_le(body, a.epoch);
  put_le(body, pair_time);
  if (a.kind == ControlKind::went_solo)
    put_string16(body, std::string_view(a.reason).substr(0, 500));
  return body;
}

// Bytes of whole frames at the front of `frames`, at least one, at most about kRecordsMax.
std::size_t front_bytes(std::string_view frames) {
  if (frames.size() <= kRecordsMax) return frames.size();
  std::size_t end = 0;
  while (end < frames.size()) {
    const auto size = get_le<std::uint32_t>(frames.data() + end);
    if (end > 0 && end + size > kRecordsMax) break;
    end += size;
  }
  return end;
}

}  // namespace

void Driver::carry_out(Output& out) {
  for (const Action& action : out.actions) {
    ports_.runtime->about_to(action);
    std::visit([this](const auto& a) { carry_out(a); }, action);
  }
  ports_.runtime->stepped(replica_);
  release_commit();
}

void Driver::carry_out(const action::PersistMeta& a) {
  const Status saved = ports_.folder->save_meta(a.meta);
  if (!saved) fatal(saved.error());
}

void Driver::carry_out(const action::AppendControl& a) {
  const auto kind = static_cast<std::uint16_t>(a.kind);
  const std::string body = control_body(a, host_.pair_time());
  appended_ = journal_->append(a.epoch, kind, body);
  TMQ_CHECK(appended_ == a.lsn);
  std::string bytes;
  write_frame(bytes, a.epoch, a.lsn, kind, body);
  FrameView frame;
  TMQ_CHECK(read_frame(bytes, frame) == FrameRead::frame);
  const Status applied = host_.apply(frame);
  if (!applied) fatal(Error{"a control record cannot be applied: " + applied.error().message});
}

void Driver::carry_out(const action::AppendFrames& a) {
  journal_->append_frames(a.frames, a.first, a.last);
  appended_ = a.last;
}

void Driver::carry_out(const action::WriteJournal&) {
  if (reading_link_ && replica_.role() != Role::primary) {
    write_due_ = true;
  } else {
    step(event::Written{flush_journal()});
  }
}

void Driver::carry_out(const action::RequestSync&) {
  const JournalFigures figures = journal_->figures();
  if (figures.synced >= figures.written) return step(event::Synced{figures.synced});
  journal_->request_sync();
}

void Driver::carry_out(const action::CutJournal& a) {
  write_due_ = false;
  journal_->flush();
  if (a.quarantine_through > a.after) keep_aside(a.after + 1, a.quarantine_through);
  const Lsn first = journal_->figures().first;
  const bool all = first == 0 || a.after + 1 < first;
  const Status cut =
      all ? journal_->reset(a.after + 1) : journal_->truncate_after(a.after, nullptr);
  if (!cut) fatal(cut.error());
  appended_ = written_ = a.after;
  step(event::Synced{a.after});
  if (!a.rebuild) return;
  const Status rebuilt = rebuild_state(a.after);
  step(event::Rebuilt{static_cast<bool>(rebuilt), rebuilt ? "" : rebuilt.error().message});
}

// Records that were acknowledged here and that another history does not have.
void Driver::keep_aside(Lsn first, Lsn last) {
  const Lsn oldest = journal_->figures().first;
  if (oldest == 0) {
    return log("warning", "history_not_compared",
               "this journal is empty: it was set aside or begins after a checkpoint, so what this "
               "node may have acknowledged alone cannot be told from what both hold");
  }
  const Lsn from = std::clamp(oldest, first, last + 1);
  if (from > first) {
    quarantine_.lost += from - first;
    log("error", "acknowledged_lost",
        std::to_string(from - first) + " records, " + std::to_string(first) + " to " +
            std::to_string(from - 1) +
            ", were acknowledged here and lost to another history, and this journal holds them no "
            "more (replication.journal_bytes_max bounds it): they are in no quarantine file");
  }
  if (from > last) return;
  const char* doing = "keeps records aside that lost to another history";
  host_.stands_still(doing);
  const Result<std::string> kept = ports_.folder->quarantine(
      *journal_, from, last, [this, doing] { host_.stands_still(doing); });
  if (!kept) {
    fatal(Error{"cannot keep acknowledged records aside: " + kept.error().message,
                kept.error().code});
  }
  quarantine_.records += last - from + 1;
  log("warning", "quarantined",
      "records " + std::to_string(from) + " to " + std::to_string(last) +
          " were acknowledged here and lost to another history: kept in " + *kept);
}

// The host goes back to its checkpoint, then takes the journal up to `lsn` once more.
Status Driver::rebuild_state(Lsn lsn) {
  host_.stands_still("builds its state anew after a cut");
  const Result<Lsn> base = host_.rebuild_until(lsn);
  if (!base) return base.error();
  return recovery_.replay(*journal_, *base, lsn, nullptr);
}

void Driver::carry_out(const action::Send& a) {
  if (!link_) return;
  const auto* heartbeat = std::get_if<msg::Heartbeat>(&a.message);
  if (heartbeat == nullptr || replica_.role() != Role::primary) return link_->send(a.message);
  msg::Heartbeat stamped = *heartbeat;
  stamped.pair_time = host_.pair_time();
  link_->send(stamped);
}

// The batch of this turn goes out from the journal's own buffer; older records are read back.
void Driver::carry_out(const action::SendRecords& a) {
  const std::string_view pending = journal_->pending();
  if (!pending.empty() && a.from == written_ + 1) {
    send_pending(pending);
    return step(event::RecordsSent{appended_, pending.size()});
  }
  read_buffer_.clear();
  const Result<Lsn> read = journal_->read(a.from, a.max_bytes, read_buffer_);
  if (read && *read >= a.from) {
    send_pending(read_buffer_);
    return step(event::RecordsSent{*read, read_buffer_.size()});
  }
  step(event::RecordsSent{a.from - 1, 0});
  if (read) return;
  log("error", "catch_up_failed", read.error().message);
  if (link_) link_->drop(true);
  step(event::LinkDown{"cannot read the journal: " + read.error().message});
}

void Driver::send_pending(std::string_view frames) {
  while (link_ && !frames.empty()) {
    const std::size_t size = front_bytes(frames);
    link_->send_records(frames.substr(0, size));
    frames.remove_prefix(size);
  }
}

// The journal has them at hand still: they were written just now, or are to be.
void Driver::carry_out(const action::Apply& a) {
  Lsn next = a.first;
  for (std::string_view rest : {journal_->flushed(), journal_->pending()}) {
    while (!rest.empty() && next <= a.through) {
      const FrameView frame = checked_frame(rest);  // the machine has checked them
      rest.remove_prefix(frame.bytes.size());
      if (frame.lsn != next) continue;
      ++next;
      const Status applied = host_.apply(frame);
      if (!applied) {
        fatal(Error{"record " + std::to_string(frame.lsn) +
                    " of the primary cannot be applied: " + applied.error().message});
      }
    }
  }
  TMQ_CHECK(next > a.through);
}

void Driver::carry_out(const action::Commit& a) {
  commit_due_ = a.lsn;
}

// Last of a step, so that the host finds everything settled and may append again.
void Driver::release_commit() {
  if (commit_due_ == 0) return;
  const Lsn lsn = commit_due_;
  commit_due_ = 0;
  if (replica_.role() == Role::primary) host_.committed(lsn);
}

void Driver::carry_out(const action::MakeSnapshot&) {
  if (snapshot_asked_) return;
  snapshot_asked_ = true;
  host_.make_snapshot([this, alive = alive_](Result<ReplicatorHost::SnapshotFile> made) {
    if (*alive) snapshot_ready(std::move(made));
  });
}

void Driver::snapshot_ready(Result<ReplicatorHost::SnapshotFile> made) {
  snapshot_asked_ = false;
  if (!made) return step(event::SnapshotReady{false, 0, 0, made.error().message});
  release_snapshot();
  snapshot_file_ = *made;
  auto opened = ports_.folder->read_snapshot(snapshot_file_.path);
  if (!opened) return step(event::SnapshotReady{false, 0, 0, opened.error().message});
  reader_ = std::move(*opened);
  step(event::SnapshotReady{true, snapshot_file_.lsn, reader_->size(), ""});
}

void Driver::carry_out(const action::SendSnapshot& a) {
  sender_ = std::make_unique<SnapshotSender>(
      *link_, *reader_, config_.snapshot_chunk_bytes,
      [this](std::function<void()> what) { ports_.runtime->later(std::move(what)); },
      [this](const Status& sent) {
        if (sent) return step(event::SnapshotSent{});
        if (link_) link_->drop(true);
        step(event::LinkDown{sent.error().message});
      });
  sender_->start(snapshot_file_.lsn, a.history);
}

void Driver::carry_out(const action::ReleaseSnapshot&) {
  release_snapshot();
}

void Driver::release_snapshot() {
  sender_.reset();
  reader_.reset();
  if (snapshot_file_.path.empty()) return;
  host_.release_snapshot(snapshot_file_);
  snapshot_file_ = {};
}

void Driver::carry_out(const action::StoreSnapshot& a) {
  Status stored = Done{};
  if (a.bytes.empty() && a.offset == 0) {
    auto made = ports_.folder->write_snapshot(a.total);
    if (made) {
      receiver_ = std::move(*made);
    } else {
      stored = made.error();
    }
  } else if (receiver_) {
    stored = receiver_->store(a.offset, a.bytes);
  }
  if (stored) return;
  receiver_.reset();
  log("error", "snapshot_failed", stored.error().message);
  if (link_) link_->drop(true);
  step(event::LinkDown{stored.error().message});
}

void Driver::carry_out(const action::InstallSnapshot& a) {
  const std::unique_ptr<SnapshotWriter> received = std::move(receiver_);
  const auto goes_on = [this] { host_.stands_still("takes over a snapshot"); };
  goes_on();
  checkpoint_lsn_ = 0;  // which one is there is known again behind this
  Status installed = received ? received->finish(goes_on) : Status(Error{"its file is gone"});
  if (installed) installed = host_.install_snapshot(received->path(), a.lsn);
  if (!installed) return step(event::SnapshotInstalled{false, installed.error().message});
  const Status emptied = journal_->reset(a.lsn + 1);
  if (!emptied) fatal(emptied.error());
  received->remove();
  appended_ = written_ = checkpoint_lsn_ = a.lsn;
  write_due_ = false;
  step(event::SnapshotInstalled{true, ""});
}

void Driver::carry_out(const action::LearnTime& a) {
  host_.learn_pair_time(a.pair_time);
}

void Driver::carry_out(const action::DropLink& a) {
  reading_link_ = false;
  if (link_) link_->drop(a.back_off);
  if (write_due_) step(event::Written{flush_journal()});
}

// A changed role or pair state: what must hold always is looked at before anybody hears of it.
void Driver::carry_out(const action::StatusChanged&) {
  const Status sound = check_invariants(replica_);
  if (!sound) check_failed(sound.error().message.c_str(), __FILE__, __LINE__);
  release_commit();
  const ReplicaStatus now = status();
  log_status(now);
  host_.status_changed(now);
}

void Driver::carry_out(const action::LeaveDone&) {}

void Driver::log_status(const ReplicaStatus& s) {
  std::string line = std::string(to_string(s.role)) + ", " + to_string(s.pair_state) + ", epoch " +
                     std::to_string(epoch_counter(s.epoch)) +
                     (s.in_sync ? ", in sync" : ", out of sync") +
                     (s.peer_connected ? ", connected: " : ", not connected: ") + s.reason;
  if (line == last_log_) return;
  log("info", "replica", line);
  last_log_ = std::move(line);
}

}  // namespace tandemq::repl
