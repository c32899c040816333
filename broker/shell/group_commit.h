// The engine's records on their way to the replicator. The turn of the loop is the group commit:
// what it appended is handed over at its end, and waits then for its commit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/core/record_sink.h"
#include "broker/shell/commit_timer.h"
#include "broker/shell/status_log.h"
#include "broker/support/turn.h"
#include "replicator/driver/replicator.h"

namespace tandemq::broker {

class GroupCommit : public core::RecordSink {
 public:
  // Turn and status live longer; so does the replicator, which is there before the first record.
  GroupCommit(const Turn& turn, const StatusLog& status) : turn_(turn), status_(status) {}
  void open(repl::Replicator& replicator) { replicator_ = &replicator; }

  Lsn append(core::Kind kind, const ByteSource& body) override {
    bytes_ += body.size();
    return last_ = replicator_->append(static_cast<std::uint16_t>(kind), body);
  }
  std::uint8_t writes(core::Kind kind) const override {
    return replicator_->writes(static_cast<std::uint16_t>(kind));
  }
  Lsn prove_reign() override;

  // Whether there are records that no end of turn has handed over yet.
  bool is_open() const { return last_ != 0; }
  void end_turn();
  void committed(Lsn lsn, std::uint64_t now_ns) { timer_.committed(lsn, now_ns); }
  void forget();  // the reign has ended

  std::size_t uncommitted_bytes() const { return timer_.open_bytes(); }  // handed over
  const Histogram& latency() const { return timer_.histogram(); }

 private:
  const Turn& turn_;
  const StatusLog& status_;
  repl::Replicator* replicator_ = nullptr;
  Lsn last_ = 0;  // of this turn; 0: none
  std::size_t bytes_ = 0;
  CommitTimer timer_;
};

}  // namespace tandemq::broker
