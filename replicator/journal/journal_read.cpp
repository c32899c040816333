// The read path: sparse index, then a walk over frames. Marks are left out: what is read is what
// was appended.
#include <algorithm>

#include "broker/base/bytes.h"
#include "broker/base/exit_code.h"
#include "replicator/journal/journal_impl.h"

namespace tandemq::repl {
namespace {

constexpr std::size_t kChunkMin = 64 << 10;
constexpr std::size_t kChunkMax = 4 << 20;

}  // namespace

// The segment that holds `lsn`, or the newest when none does yet.
std::size_t JournalImpl::segment_at(Lsn lsn) const {
  const auto behind = std::upper_bound(segments_.begin(), segments_.end(), lsn,
                                       [](Lsn l, const Segment& s) { return l < s.first; });
  return static_cast<std::size_t>(behind - segments_.begin()) - 1;
}

// A frame boundary of the segment at or before record `lsn`.
std::uint64_t JournalImpl::offset_before(std::size_t segment, Lsn lsn) const {
  if (cursor_.next == lsn && segments_[segment].first <= lsn && lsn != segments_[segment].first) {
    return cursor_.offset;
  }
  const auto& index = segments_[segment].index;
  const auto behind = std::upper_bound(index.begin(), index.end(), lsn,
                                       [](Lsn l, const IndexEntry& e) { return l < e.lsn; });
  return behind == index.begin() ? kSegmentHeader : std::prev(behind)->offset;
}

Status JournalImpl::walk(Lsn from, std::size_t chunk, const Visit& visit) {
  chunk = std::clamp(chunk, kChunkMin, kChunkMax);
  Lsn next = from;
  for (std::size_t at = segment_at(from); at < segments_.size() && next <= written_; ++at) {
    const Segment& segment = segments_[at];
    std::uint64_t offset = offset_before(at, next);
    const auto lost = [&](const std::string& why) {
      return Error{"journal " + segment.file->path + " is damaged at offset " +
                       std::to_string(offset) + ", where record " + std::to_string(next) +
                       " should stand: " + why + "; let this node resync from its peer",
                   kExitDamaged};
    };
    std::size_t wanted = chunk;
    while (offset < segment.end) {
      scratch_.resize(std::min<std::uint64_t>(wanted, segment.end - offset));
      const ssize_t got = read_all(io_, segment.file->fd, scratch_.data(), scratch_.size(), offset);
      if (got < 0) return read_error("read", segment.file->path, got);
      if (static_cast<std::size_t>(got) < scratch_.size()) return lost("the file is cut short");
      std::string_view left = scratch_;
      FrameView frame;
      FrameRead read;
      while ((read = read_frame(left, frame)) == FrameRead::frame) {
        if (frame.kind != kSyncMark && frame.lsn >= next) {
          if (frame.lsn != next) return lost("another record stands there");
          if (!visit(frame, offset)) return Done{};
          ++next;
        }
        offset += frame.bytes.size();
        left.remove_prefix(frame.bytes.size());
      }
      if (read == FrameRead::damaged) return lost("length or checksum is wrong");
      wanted = chunk;
      if (left.size() >= sizeof(std::uint32_t)) {
        wanted = std::max<std::size_t>(chunk, get_le<std::uint32_t>(left.data()));
      }
      if (scratch_.size() < wanted && offset + left.size() >= segment.end && !left.empty()) {
        return lost("the frame is longer than what was written");
      }
    }
  }
  return Done{};
}

Result<Lsn> JournalImpl::read(Lsn from, std::size_t max_bytes, std::string& out) {
  if (from > written_) return from - 1;
  if (from < segments_.front().first) {
    return Error{"record " + std::to_string(from) + " is not held any more, the oldest is " +
                 std::to_string(segments_.front().first)};
  }
  const std::size_t before = out.size();
  Lsn last = from - 1;
  const Status walked = walk(from, max_bytes, [&](const FrameView& frame, std::uint64_t offset) {
    const std::size_t size = out.size() - before;
    if (size != 0 && size + frame.bytes.size() > max_bytes) return false;
    out.append(frame.bytes);
    last = frame.lsn;
    cursor_ = {last + 1, offset + frame.bytes.size()};
    return true;
  });
  if (!walked) return walked.error();
  return last;
}

Epoch JournalImpl::epoch_at(Lsn lsn) {
  if (lsn < segments_.front().first || lsn > last_) return 0;
  const auto behind = std::upper_bound(epochs_.begin(), epochs_.end(), lsn,
                                       [](Lsn l, const EpochRange& r) { return l < r.first; });
  return behind == epochs_.begin() ? 0 : std::prev(behind)->epoch;
}

}  // namespace tandemq::repl
