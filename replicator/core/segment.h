// A journal segment as bytes: header, frames, sync marks, zeros to the end. Mirrors
// docs/journal-format.md; the rule for what a crash may have torn is there, section "The tail".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/ids.h"
#include "replicator/core/frame.h"

namespace tandemq::repl {

constexpr std::size_t kSegmentHeader = 48;
constexpr std::uint32_t kSegmentVersion = 1;
constexpr std::size_t kSectorBytes = 512;  // what a disk writes whole or not at all

// 0 "TQJOURNL"  8 u32 version  12 u32 CRC-32C of bytes 16..48  16 u64 first LSN
// 24 u64 LSN durable when the segment was made  32 u64 salt of its sync marks  40 u64 0
struct SegmentHeader {
  Lsn first = 0;
  Lsn synced = 0;
  std::uint64_t salt = 0;  // unknown to clients, so that no payload can pass for a sync mark
};

std::string encode_segment_header(const SegmentHeader& header);
enum class HeaderRead : std::uint8_t { header, unwritten, damaged, other_version };
// `unwritten`: shorter than a header or all zeros there.
HeaderRead read_segment_header(std::string_view bytes, SegmentHeader& header);

// A sync mark is a frame of kind kSyncMark: epoch field = salt, LSN field = what is durable.
void write_sync_mark(std::string& out, std::uint64_t salt, Lsn synced);

// `20 digits of the first LSN`.seg
std::string segment_name(Lsn first);
// First LSN of a segment's file name, 0 when it is not one.
Lsn segment_of_name(std::string_view name);

// Called for every good frame with its offset in the segment.
using FrameVisitor = std::function<void(const FrameView& frame, std::uint64_t offset)>;

struct SegmentScan {
  std::uint64_t end = kSegmentHeader;  // behind the last good frame or mark
  Lsn last = 0;                        // its LSN, first-1 when there is none
  Epoch epoch = 0;                     // its epoch
  Lsn marked = 0;                      // highest LSN that a sync mark called durable
  bool zeros_follow = true;            // from `end` to the end of the bytes
  bool impossible = false;             // a sound frame at `end` that cannot stand there
  std::string why;                     // what stands at `end`, when it is not zeros
};

// Walks the frames of a segment with a good header, up to the first place that is not a frame.
// `epoch` is that of the record before the first.
SegmentScan scan_segment(std::string_view bytes, const SegmentHeader& header, Epoch epoch,
                         const FrameVisitor& visit);

// What is left behind a bad place at `from`, where record `expected` should have stood.
struct Remains {
  Lsn synced = 0;       // highest LSN that a sync mark there calls durable
  bool frames = false;  // a sound frame of a later record is there
  bool hole = false;    // from the bad place to there a sector was never written: zeros to its end
};
// salt 0: not known, then no mark is believed.
Remains search_remains(std::string_view bytes, std::uint64_t salt, std::uint64_t from,
                       Lsn expected);

}  // namespace tandemq::repl
