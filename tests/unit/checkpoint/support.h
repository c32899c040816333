// A journal in memory, a folder to throw away, and a checkpointer that is waited for.
#pragma once

#include <event2/event.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/checkpoint/checkpoint.h"
#include "broker/core/records.h"
#include "broker/core/state.h"
#include "tests/support/temp_dir.h"

namespace tandemq::broker::test {

using tandemq::test::TempDir;

// A checkpoint in that folder.
CheckpointConfig config_in(const TempDir& dir);

// Records as the journal keeps them.
class MemoryJournal {
 public:
  // Encodes and keeps the record. Returns its LSN.
  Lsn append(const core::Record& record);
  Lsn append_encoded(core::Kind kind, std::string_view body);
  Lsn last() const { return frames_.size(); }
  const std::string& frame(Lsn lsn) const { return frames_[lsn - 1]; }
  // As Replicator::read_journal.
  Result<Lsn> read(Lsn from, std::size_t bytes_max, std::string& out) const;
  // Applies records [from, to] to `state`; fails the test when one does not fit.
  void replay(core::State& state, Lsn from, Lsn to) const;

 private:
  std::vector<std::string> frames_;
};

// A Checkpointer with a loop of its own.
class Folder {
 public:
  Folder(const CheckpointConfig& config, const MemoryJournal& journal);
  Folder(const CheckpointConfig& config, Checkpointer::JournalReader read);
  ~Folder();
  // Folds and waits for the end.
  Result<Lsn> fold(Lsn up_to);
  Result<Lsn> remake(const core::State& state);
  Result<CheckpointSnapshot> snapshot(const std::string& path);
  Checkpointer& checkpointer() { return *checkpointer_; }
  event_base* base() { return base_; }

 private:
  event_base* base_;
  std::unique_ptr<Checkpointer> checkpointer_;
};

// What a load gives.
std::unique_ptr<core::State> loaded(const CheckpointConfig& config);

// The rows of a state, a line each: what a failed comparison shows.
std::string rows_of(const core::State& state);

core::MessageRef message(std::string_view topic, std::string_view payload, std::uint8_t qos = 1,
                         bool retain = false, TimeMs expires_at = 0);
core::SessionOpened opened(core::SessionId session, std::string_view client_id,
                           bool resumed = false);
core::Published published(const core::MessageRef& message, std::vector<core::Target> targets);
core::Target target(core::SessionId session, std::uint16_t packet_id, std::uint8_t qos = 1);

}  // namespace tandemq::broker::test
