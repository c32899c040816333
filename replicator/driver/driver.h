// The driver behind replicator.h: feeds the pure machine with events of the journal, link, timers
// and orders, and carries out what it answers, in its order. It stands on ports and nothing else.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "replicator/core/replica.h"
#include "replicator/driver/ports.h"
#include "replicator/driver/recovery.h"
#include "replicator/driver/replicator.h"
#include "replicator/driver/snapshot_sender.h"
#include "replicator/journal/journal.h"

namespace tandemq::repl {

class Driver final : public Replicator, private LinkHost {
 public:
  Driver(Ports ports, ReplicatorConfig config, ReplicatorHost& host);
  ~Driver() override;

  // Before start().
  Status recover(Lsn checkpoint_lsn, const std::function<void(const Progress&)>& progress);

  Status start() override;
  Lsn append(std::uint16_t kind, const ByteSource& body) override;
  Lsn unsent() const override;
  void end_of_turn() override;
  std::uint8_t writes(std::uint16_t kind) const override { return replica_.writes(kind); }
  Result<Epoch> promote(Epoch at_least, bool force, const std::function<bool()>& stands) override;
  Status demote(const std::string& reason) override;
  Status go_solo(const std::string& authority) override;
  Status lose_sync(const std::string& reason) override;
  void leave(std::function<void()> done) override;
  void switchover(std::function<void(Status)> done) override;
  void ending() override { static_cast<void>(order(event::Ending{})); }
  void checkpointed(Lsn lsn) override;
  ReplicaStatus status() const override;
  Meeting meeting() const override { return replica_.meeting(); }
  JournalFigures journal_figures() const override { return journal_->figures(); }
  LinkFigures link_figures() const override {
    return ports_.link ? ports_.link->figures() : LinkFigures{};
  }
  QuarantineFigures quarantine_figures() const override { return quarantine_; }
  std::uint16_t listening_port() const override {
    return ports_.link ? ports_.link->listening_port() : 0;
  }
  Result<Lsn> read_journal(Lsn from, std::size_t max_bytes, std::string& out) override;

 private:
  // LinkHost
  void link_up() override;
  void link_down(const std::string& reason) override;
  void link_received(const Message& message) override;
  void link_turn_ended() override;
  void link_drained() override;
  void link_refused(const std::string& reason) override { log("warning", "link_refused", reason); }
  void peer_refused(const std::string& reason) override { step(event::PeerRefused{reason}); }

  // driver.cpp
  void step(EventKind what);
  Status order(EventKind what);
  void report_appended();
  Lsn flush_journal();
  void write_if_due();
  void tick();
  void trim_journal();
  // From the loop, unless this is gone by then.
  void later(std::function<void()> what);
  void log(const char* level, const char* event, const std::string& reason) const;
  [[noreturn]] void fatal(const Error& why) const;

  // driver_actions.cpp
  void carry_out(Output& out);
  void carry_out(const action::PersistMeta&);
  void carry_out(const action::AppendControl&);
  void carry_out(const action::AppendFrames&);
  void carry_out(const action::WriteJournal&);
  void carry_out(const action::RequestSync&);
  void carry_out(const action::CutJournal&);
  void carry_out(const action::Send&);
  void carry_out(const action::SendRecords&);
  void carry_out(const action::Apply&);
  void carry_out(const action::Commit&);
  void carry_out(const action::MakeSnapshot&);
  void carry_out(const action::SendSnapshot&);
  void carry_out(const action::ReleaseSnapshot&);
  void carry_out(const action::StoreSnapshot&);
  void carry_out(const action::InstallSnapshot&);
  void carry_out(const action::LearnTime&);
  void carry_out(const action::DropLink&);
  void carry_out(const action::StatusChanged&);
  void carry_out(const action::SwitchoverDone&);
  void carry_out(const action::LeaveDone&);
  void keep_aside(Lsn first, Lsn last);
  Status rebuild_state(Lsn lsn);
  void send_pending(std::string_view frames);
  void snapshot_ready(Result<ReplicatorHost::SnapshotFile> made);
  void release_snapshot();
  void release_commit();
  void log_status(const ReplicaStatus& status);

  const Ports ports_;
  const ReplicatorConfig config_;
  ReplicatorHost& host_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for late answers
  std::unique_ptr<Journal> journal_;
  PeerLink* link_ = nullptr;  // once started
  Replica replica_;
  Runtime::Timer tick_timer_;
  Recovery recovery_;

  std::deque<EventKind> events_;
  Output out_;
  std::string refusal_;
  bool stepping_ = false;
  bool reading_link_ = false;  // inside one wake-up of the link
  bool write_due_ = false;     // WriteJournal was put off to the end of it
  Lsn appended_ = 0;           // last record in the journal's buffer
  Lsn written_ = 0;
  Lsn commit_due_ = 0;
  Lsn checkpoint_lsn_ = 0;  // of the host's checkpoint, 0: not known
  QuarantineFigures quarantine_;
  std::string read_buffer_;  // catch-up
  std::string last_log_;

  bool snapshot_asked_ = false;  // of the host, not answered
  ReplicatorHost::SnapshotFile snapshot_file_;
  std::unique_ptr<SnapshotReader> reader_;
  std::unique_ptr<SnapshotSender> sender_;
  std::unique_ptr<SnapshotWriter> receiver_;
  std::function<void(Status)> switchover_done_;
  std::function<void()> leave_done_;
};

}  // namespace tandemq::repl
