// The real journal, whose disk takes its time: the sync worker's part runs on virtual time, and
// what waits for the disk stands still.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "replicator/journal/journal.h"
#include "tests/sim/node_files.h"

namespace tandemq::sim {

class SlowJournal final : public repl::Journal {
 public:
  SlowJournal(std::unique_ptr<repl::Journal> journal, Process& process, Clock& clock,
              Random& random, Kept& kept, std::shared_ptr<const bool> failed)
      : journal_(std::move(journal)),
        process_(process),
        clock_(clock),
        random_(random),
        kept_(kept),
        failed_(std::move(failed)) {}
  ~SlowJournal() override { *alive_ = false; }

  Lsn append(Epoch epoch, std::uint16_t kind, const ByteSource& body,
             std::uint8_t version) override {
    return journal_->append(epoch, kind, body, version);
  }
  void append_frames(std::string_view frames, Lsn first, Lsn last) override {
    journal_->append_frames(frames, first, last);
  }
  std::string_view pending() const override { return journal_->pending(); }
  Lsn flush() override { return journal_->flush(); }
  std::string_view flushed() const override { return journal_->flushed(); }
  void request_sync() override;
  void sync_now() override;
  Result<Lsn> read(Lsn from, std::size_t max_bytes, std::string& out) override {
    return journal_->read(from, max_bytes, out);
  }
  Epoch epoch_at(Lsn lsn) override { return journal_->epoch_at(lsn); }
  Status truncate_after(Lsn lsn, std::string* cut) override;
  Status reset(Lsn next) override;
  void drop_through(Lsn lsn, std::uint64_t bytes_kept) override;
  repl::JournalFigures figures() const override { return journal_->figures(); }
  std::string tail_note() const override { return journal_->tail_note(); }

 private:
  void start_sync();
  void finish_sync();
  void wait_for_disk(TimeUs at_most);

  const std::unique_ptr<repl::Journal> journal_;
  Process& process_;
  Clock& clock_;
  Random& random_;
  Kept& kept_;
  const std::shared_ptr<const bool> failed_;  // the process is about to end
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Lsn syncing_ = 0;  // what the sync under way will have made durable, 0: none is
  Lsn wanted_ = 0;   // after it
  std::vector<std::pair<Lsn, std::uint64_t>> drops_;  // the worker's, after the sync under way
};

}  // namespace tandemq::sim
