// The file `durable` beside the segments: the last record that is known to be durable. The marks in
// a segment go with a cut of it; this note tells that records are missing at the journal's end.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "replicator/journal/journal_io.h"

namespace tandemq::repl {

// 0 when there is no note, or none that is whole: nothing is known then. An Error when it cannot be
// read.
Result<Lsn> read_durable_note(JournalIo& io, const std::string& dir);

class DurableNote {
 public:
  DurableNote(JournalIo& io, const std::string& dir);
  const std::string& path() const { return path_; }

  // Call when everything up to `lsn` is durable, and before a record up to it is taken away. Unless
  // `durably`, a lost power may leave an older note: every kSyncEvery-th one is synced all the
  // same. Empty, or what failed.
  std::optional<IoFault> write(Lsn lsn, bool durably);

 private:
  static constexpr unsigned kSyncEvery = 64;

  JournalIo& io_;
  const std::string path_;
  std::unique_ptr<JournalFile> file_;
  unsigned unsynced_ = 0;
};

}  // namespace tandemq::repl
