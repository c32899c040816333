// Reads all segments of a journal folder and judges what stands behind the last good record: the
// end, a torn tail, or damage. Changes nothing; used by Journal::open and by tandemq-journal.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/exit_code.h"
#include "broker/base/ids.h"
#include "broker/base/result.h"
#include "replicator/core/segment.h"
#include "replicator/journal/journal_io.h"

namespace tandemq::repl {

// Where some records of a segment begin, one entry every kIndexStep bytes or so.
struct IndexEntry {
  Lsn lsn = 0;
  std::uint64_t offset = 0;
};
constexpr std::uint64_t kIndexStep = 64 << 10;

// From `first` on records have this epoch.
struct EpochRange {
  Lsn first = 0;
  Epoch epoch = 0;
};

struct FoundSegment {
  std::string path;
  Lsn first = 0;
  std::uint64_t salt = 0;
  std::uint64_t end = 0;   // behind the last good frame or mark
  std::uint64_t size = 0;  // of the file
  std::vector<IndexEntry> index;
};

// An interrupted write: everything behind the last good record goes.
struct TornTail {
  std::uint64_t bytes = 0;  // used ones that go, in all files
  std::string note;         // sentence for a person
};

struct JournalScan {
  std::vector<FoundSegment> segments;  // with a torn tail: those that stay; later files go
  std::vector<EpochRange> epochs;
  Lsn last = 0;    // last good record; 0 without segments
  Lsn marked = 0;  // highest LSN called durable by a mark
  std::optional<TornTail> torn;
};

using RecordVisitor = std::function<void(const std::string& path, const FrameView&, std::uint64_t)>;

// Damage is an Error with code kExitDamaged that names file, offset, LSN and remedy; frames before
// it have been visited. What cannot be read has code kExitEnvironment.
Result<JournalScan> scan_journal(JournalIo& io, const std::string& dir, const RecordVisitor& visit);

// The same for one segment file, whatever its name; the segments around it are not looked at.
Result<JournalScan> scan_journal_file(JournalIo& io, const std::string& path,
                                      const RecordVisitor& visit);

// A whole file as bytes. The buffer is reused from file to file.
class FileBytes {
 public:
  explicit FileBytes(JournalIo& io) : io_(io) {}
  Result<std::string_view> load(const std::string& path);

 private:
  JournalIo& io_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
};

}  // namespace tandemq::repl
