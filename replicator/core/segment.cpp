#include "replicator/core/segment.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "broker/base/bytes.h"
#include "broker/base/crc32c.h"

namespace tandemq::repl {
namespace {

constexpr std::string_view kMagic = "TQJOURNL";
constexpr std::size_t kCheckedFrom = 16;
constexpr std::string_view kSuffix = ".seg";
constexpr std::size_t kDigits = 20;
constexpr std::size_t kSaltInMark = 8;  // the epoch field
constexpr std::size_t kLsnInFrame = 16;

bool all_zero(std::string_view bytes) {
  while (bytes.size() >= 8 && get_le<std::uint64_t>(bytes.data()) == 0) bytes.remove_prefix(8);
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

// Where the sector after the one that holds `offset` begins, the end of the file at most.
std::size_t sector_end(std::size_t offset, std::size_t size) {
  return std::min(size, (offset / kSectorBytes + 1) * kSectorBytes);
}

// A lost write leaves zeros from where its sector was last written to the end of that sector:
// right from the bad place on, or in a later sector before `until`, where sound records follow.
bool is_hole(std::string_view bytes, std::size_t from, std::size_t until) {
  for (std::size_t at = from; at < until;) {
    const std::size_t end = sector_end(at, bytes.size());
    if (end > until) return false;
    if (all_zero(bytes.substr(at, end - at))) return true;
    at = end;
  }
  return false;
}

Lsn highest_mark(std::string_view bytes, std::uint64_t salt, std::size_t from) {
  Lsn highest = 0;
  std::string needle;
  put_le(needle, salt);
  FrameView frame;
  for (std::size_t at = bytes.find(needle, from); at != bytes.npos;
       at = bytes.find(needle, at + 1)) {
    if (at < from + kSaltInMark) continue;
    const std::string_view mark = bytes.substr(at - kSaltInMark, kFrameHeader);
    if (read_frame(mark, frame) != FrameRead::frame || frame.kind != kSyncMark) continue;
    highest = std::max(highest, frame.lsn);
  }
  return highest;
}

// Where the frames end that begin at `at`, with LSNs one after the other.
std::size_t chain_end(std::string_view bytes, std::uint64_t salt, std::size_t at) {
  FrameView frame;
  Lsn next = 0;
  while (read_frame(bytes.substr(at), frame) == FrameRead::frame) {
    const bool mark = frame.kind == kSyncMark && frame.epoch == salt;
    if (!mark && next != 0 && frame.lsn != next) return at;
    if (!mark) next = frame.lsn + 1;
    at += frame.bytes.size();
  }
  return at;
}

// The first place behind `from` where sound frames of later records begin that reach to where the
// zeros begin; the end of the bytes when there is none. Frames that something unsound follows are
// no proof: a payload may hold anything, and it may be what was torn.
std::size_t find_chain(std::string_view bytes, std::uint64_t salt, std::size_t from, Lsn expected) {
  const Lsn highest = expected + bytes.size() / kFrameHeader;
  const std::size_t used = bytes.find_last_not_of('\0') + 1;  // 0 when all are
  // Payloads may also look like frame headers without end, so the bytes tried are bounded; beyond
  // the bound the careful answer is that frames follow.
  std::uint64_t budget = 16 * std::uint64_t{bytes.size()} + (1 << 20);
  for (std::size_t at = from + 1; at + kFrameHeader <= bytes.size() && at < used; ++at) {
    const char* raw = bytes.data() + at;
    const auto length = get_le<std::uint32_t>(raw);
    const auto lsn = get_le<Lsn>(raw + kLsnInFrame);
    if (length < kFrameHeader || length > bytes.size() - at) continue;
    if (raw[kFrameHeader - 1] != 0 || lsn < expected || lsn > highest) continue;
    const std::size_t end = chain_end(bytes, salt, at);
    if (end >= used && end > at) return at;
    const std::uint64_t tried = end - at + length;
    if (tried > budget) return at;
    budget -= tried;
    if (end > at) at = end - 1;
  }
  return bytes.size();
}

}  // namespace

std::string encode_segment_header(const SegmentHeader& header) {
  std::string checked;
  put_le(checked, header.first);
  put_le(checked, header.synced);
  put_le(checked, header.salt);
  put_le(checked, std::uint64_t{0});
  std::string out(kMagic);
  put_le(out, kSegmentVersion);
  put_le(out, crc32c(checked));
  return out + checked;
}

HeaderRead read_segment_header(std::string_view bytes, SegmentHeader& header) {
  if (bytes.size() < kSegmentHeader) return HeaderRead::unwritten;
  const std::string_view raw = bytes.substr(0, kSegmentHeader);
  if (all_zero(raw)) return HeaderRead::unwritten;
  if (raw.substr(0, kMagic.size()) != kMagic) return HeaderRead::damaged;
  ByteReader reader(raw.substr(kMagic.size()));
  const auto version = reader.le<std::uint32_t>();
  if (reader.le<std::uint32_t>() != crc32c(raw.substr(kCheckedFrom))) return HeaderRead::damaged;
  if (version != kSegmentVersion) return HeaderRead::other_version;
  header.first = reader.le<Lsn>();
  header.synced = reader.le<Lsn>();
  header.salt = reader.le<std::uint64_t>();
  return HeaderRead::header;
}

void write_sync_mark(std::string& out, std::uint64_t salt, Lsn synced) {
  write_frame(out, salt, synced, kSyncMark, {});
}

std::string segment_name(Lsn first) {
  char name[kDigits + kSuffix.size() + 1];
  std::snprintf(name, sizeof name, "%020llu.seg", static_cast<unsigned long long>(first));
  return name;
}

Lsn segment_of_name(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return 0;
  Lsn first = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, first);
  return error == std::errc{} && end == name.data() + kDigits ? first : 0;
}

SegmentScan scan_segment(std::string_view bytes, const SegmentHeader& header, Epoch epoch,
                         const FrameVisitor& visit) {
  SegmentScan scan;
  scan.last = header.first - 1;
  scan.epoch = epoch;
  scan.marked = header.synced;
  FrameView frame;
  for (;;) {
    const std::string_view rest = bytes.substr(scan.end);
    const FrameRead read = read_frame(rest, frame);
    if (read != FrameRead::frame) {
      scan.zeros_follow = all_zero(rest);
      if (!scan.zeros_follow) {
        scan.why = read == FrameRead::need_more
                       ? "the frame is longer than what is left of the file"
                       : "length or checksum is wrong";
      }
      return scan;
    }
    const bool mark = frame.kind == kSyncMark;
    if (mark && (frame.epoch != header.salt || frame.lsn > scan.last)) {
      scan.why = "a sync mark that does not belong here";
    } else if (!mark && frame.lsn != scan.last + 1) {
      scan.why = "its LSN is " + std::to_string(frame.lsn) + ", out of order";
    } else if (!mark && frame.epoch < scan.epoch) {
      scan.why = "its epoch goes back";
    }
    if (!scan.why.empty()) {
      scan.zeros_follow = false;
      scan.impossible = true;
      return scan;
    }
    if (mark) {
      scan.marked = std::max(scan.marked, frame.lsn);
    } else {
      scan.last = frame.lsn;
      scan.epoch = frame.epoch;
      if (visit) visit(frame, scan.end);
    }
    scan.end += frame.bytes.size();
  }
}

Remains search_remains(std::string_view bytes, std::uint64_t salt, std::uint64_t from,
                       Lsn expected) {
  Remains remains;
  if (from >= bytes.size()) {
    remains.hole = true;
    return remains;
  }
  if (salt != 0) remains.synced = highest_mark(bytes, salt, from);
  const std::size_t chain = find_chain(bytes, salt, from, expected);
  remains.frames = chain < bytes.size();
  remains.hole = is_hole(bytes, from, chain);
  return remains;
}

}  // namespace tandemq::repl
