#include "replicator/journal/journal_scan.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <utility>

#include "broker/base/exit_code.h"
#include "replicator/journal/durable_note.h"

namespace tandemq::repl {
namespace {

std::uint64_t used_bytes(std::string_view bytes, std::uint64_t from) {
  const std::size_t last = bytes.find_last_not_of('\0');
  return last == std::string_view::npos || last < from ? 0 : last + 1 - from;
}

class Scanner {
 public:
  Scanner(JournalIo& io, std::string dir, const RecordVisitor& visit)
      : dir_(std::move(dir)), visit_(visit), io_(io), file_(io) {}

  Result<JournalScan> run() {
    const Result<Lsn> noted = read_durable_note(io_, dir_);  // first: a writer may be at work
    if (!noted) return noted.error();
    noted_ = *noted;
    std::vector<std::string> names;
    const int listed = io_.list(dir_, names);
    if (listed < 0) {
      return Error{"cannot list the journal folder " + dir_ + ": " + io_error(listed),
                   kExitEnvironment};
    }
    for (const std::string& name : names) {
      const Lsn first = segment_of_name(name);
      if (first != 0) paths_.emplace(first, dir_ + "/" + name);
    }
    return all();
  }

  Result<JournalScan> run_file(const std::string& path) {
    Result<std::string_view> bytes = file_.load(path);
    if (!bytes) return bytes.error();
    SegmentHeader header;
    const bool read = read_segment_header(*bytes, header) == HeaderRead::header;
    paths_.emplace(read ? header.first : 1, path);
    return all();
  }

 private:
  using At = std::map<Lsn, std::string>::const_iterator;

  Result<JournalScan> all() {
    for (auto at = paths_.begin(); at != paths_.end(); ++at) {
      const Status status = segment(at);
      if (!status) return status.error();
      if (result_.torn) break;
    }
    if (result_.last < noted_) return ends_early();
    return std::move(result_);
  }

  // Where nothing that is left tells so: the end is gone, or the newest segments are.
  Error ends_early() {
    const bool any = !result_.segments.empty();
    return damage(any ? result_.segments.back().path : dir_, any ? result_.segments.back().end : 0,
                  result_.last + 1, "the journal ends" + known_durable(noted_));
  }

  static std::string known_durable(Lsn lsn) {
    return ", and records up to " + std::to_string(lsn) + " are known to have been durable";
  }

  Status segment(At at) {
    const auto& [first, path] = *at;
    Result<std::string_view> bytes = file_.load(path);
    if (!bytes) return bytes.error();
    SegmentHeader header;
    const bool oldest = result_.segments.empty();
    switch (read_segment_header(*bytes, header)) {
      case HeaderRead::header:
        break;
      case HeaderRead::unwritten:
      case HeaderRead::damaged:
        if (oldest) return damage(path, 0, first, "the segment header is missing or damaged");
        return judge(at, *bytes, 0, 0, "the segment header is missing or damaged");
      case HeaderRead::other_version:
        return Error{path +
                         " was written by another version of this program; use that version, or "
                         "a newer one",
                     kExitConfiguration};
    }
    if (header.first != first) {
      return damage(path, 0, first,
                    "its header says that it begins with record " + std::to_string(header.first));
    }
    if (oldest) result_.last = first - 1;
    if (first <= result_.last) {
      return damage(path, 0, first, "the segment before it holds that record already");
    }
    if (first != result_.last + 1) {
      const FoundSegment& before = result_.segments.back();
      return judge(std::prev(at), {}, before.end, before.salt,
                   "the next segment begins with record " + std::to_string(first));
    }
    return frames(at, *bytes, header);
  }

  Status frames(At at, std::string_view bytes, const SegmentHeader& header) {
    FoundSegment found{at->second, header.first, header.salt, 0, bytes.size(), {}};
    const auto note = [&](const FrameView& frame, std::uint64_t offset) {
      if (result_.epochs.empty() || result_.epochs.back().epoch != frame.epoch) {
        result_.epochs.push_back({frame.lsn, frame.epoch});
      }
      if (found.index.empty() || offset - found.index.back().offset >= kIndexStep) {
        found.index.push_back({frame.lsn, offset});
      }
      if (visit_) visit_(at->second, frame, offset);
    };
    const Epoch epoch = result_.epochs.empty() ? 0 : result_.epochs.back().epoch;
    const SegmentScan scan = scan_segment(bytes, header, epoch, note);
    result_.last = scan.last;
    result_.marked = std::max(result_.marked, scan.marked);
    found.end = scan.end;
    result_.segments.push_back(std::move(found));
    if (scan.zeros_follow) return Done{};
    if (scan.impossible) return damage(at->second, scan.end, scan.last + 1, scan.why);
    return judge(at, bytes, scan.end, header.salt, scan.why);
  }

  // A bad place where record last+1 should stand: was it ever durable?
  Status judge(At at, std::string_view bytes, std::uint64_t offset, std::uint64_t salt,
               const std::string& why) {
    const std::string path = at->second;
    const Lsn expected = result_.last + 1;
    Remains all{.hole = true};
    std::uint64_t lost = used_bytes(bytes, offset);
    // The marks of a segment with a bad header nobody can tell; but a header that is not durable
    // means that nothing in that segment is.
    if (!bytes.empty()) all = search_remains(bytes, salt, offset, expected);
    all.synced = std::max(all.synced, noted_);
    for (++at; at != paths_.end(); ++at) {
      Result<std::string_view> later = file_.load(at->second);
      if (!later) return later.error();
      lost += used_bytes(*later, 0);
      SegmentHeader header;
      if (read_segment_header(*later, header) != HeaderRead::header) continue;
      const Remains more = search_remains(*later, header.salt, kSegmentHeader - 1, expected);
      all.synced = std::max({all.synced, header.synced, more.synced});
      all.frames = all.frames || more.frames;
    }
    if (all.synced >= expected) {
      return damage(path, offset, expected, why + known_durable(all.synced));
    }
    if (all.frames && !all.hole) {
      return damage(path, offset, expected, why + ", and sound records follow");
    }
    result_.torn = TornTail{lost, "torn tail in " + path + " at offset " + std::to_string(offset) +
                                      " after record " + std::to_string(result_.last) + ": " + why};
    return Done{};
  }

  Error damage(const std::string& path, std::uint64_t offset, Lsn lsn, const std::string& why) {
    return Error{"journal " + path + " is damaged at offset " + std::to_string(offset) +
                     ", where record " + std::to_string(lsn) + " should stand: " + why +
                     ". Do not serve from it: restore a backup, or move the folder " + dir_ +
                     " away: a node of a pair then resyncs from its peer, a single one starts from "
                     "its checkpoint and loses what came after it",
                 kExitDamaged};
  }

  const std::string dir_;
  const RecordVisitor& visit_;
  JournalIo& io_;
  FileBytes file_;
  std::map<Lsn, std::string> paths_;
  Lsn noted_ = 0;  // what the note beside the segments calls durable
  JournalScan result_;
};

}  // namespace

Result<std::string_view> FileBytes::load(const std::string& path) {
  const int fd = io_.open(path, O_RDONLY);
  if (fd < 0) return read_error("open", path, fd);
  const JournalFile file(io_, path, fd);
  const std::int64_t found = io_.size(fd);
  if (found < 0) return read_error("stat", path, found);
  const auto size = static_cast<std::size_t>(found);
  if (size > capacity_) {
    buffer_ = std::make_unique_for_overwrite<char[]>(size);
    capacity_ = size;
  }
  const ssize_t got = read_all(io_, fd, buffer_.get(), size, 0);
  if (got < 0) return read_error("read", path, got);
  return std::string_view(buffer_.get(), static_cast<std::size_t>(got));
}

Result<JournalScan> scan_journal(JournalIo& io, const std::string& dir,
                                 const RecordVisitor& visit) {
  return Scanner(io, dir, visit).run();
}

Result<JournalScan> scan_journal_file(JournalIo& io, const std::string& path,
                                      const RecordVisitor& visit) {
  return Scanner(io, path.substr(0, path.find_last_of('/') + 1), visit).run_file(path);
}

}  // namespace tandemq::repl
