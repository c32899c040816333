// A journal record as bytes, the same on disk, on the wire and in quarantine.
// docs/journal-format.md is the byte table that this mirrors:
//   0  u32 length of the whole frame   4  u32 CRC-32C of bytes 8..length   8  u64 epoch
//   16 u64 LSN   24 u16 kind   26 u8 version   27 u8 0   28 body
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/base/byte_source.h"
#include "broker/base/bytes.h"
#include "broker/base/check.h"
#include "broker/base/ids.h"

namespace tandemq::repl {

constexpr std::size_t kFrameHeader = 28;
constexpr std::uint32_t kFrameMax = 64u << 20;  // bytes; longer is damage
constexpr std::uint8_t kRecordVersion = 1;      // the oldest layout of every body
constexpr std::uint8_t kFrameFormat = 1;        // of the header below; the newest that is read

// Offsets in the header.
enum FrameAt : std::size_t {
  kFrameChecksum = 4,
  kFrameChecked = 8,  // from here to the end
  kFrameEpoch = 8,
  kFrameLsn = 16,
  kFrameKind = 24,
  kFrameVersion = 26,
  kFrameZero = 27
};

// Kind 0 is a sync mark: it stands between frames on disk only, has no LSN of its own, and says
// that all records up to its LSN field were durable when it was written
// (replicator/core/segment.h).
constexpr std::uint16_t kSyncMark = 0;

// Kinds below 16 are the replicator's own (design: "going solo and coming back are records too").
enum class ControlKind : std::uint16_t {
  reign_began = 1,  // body: u64 epoch, u64 pair time (ms). The first record of every epoch.
  went_solo = 2,    // body: u64 pair time, string16 reason. From here commit needs this node alone.
  paired = 3,       // body: u64 pair time. From here commit needs the standby.
  still_reigns = 4  // body: u64 pair time. Says nothing; that it is committed proves the reign.
};
constexpr ControlKind kControlKinds[] = {ControlKind::reign_began, ControlKind::went_solo,
                                         ControlKind::paired, ControlKind::still_reigns};
constexpr std::uint16_t kFirstUserKind = 16;

struct FrameView {
  Epoch epoch = 0;
  Lsn lsn = 0;
  std::uint16_t kind = 0;
  std::uint8_t version = kRecordVersion;  // of the body's layout
  std::string_view body;                  // points into the buffer that was read
  std::string_view bytes;                 // the whole frame
};

enum class FrameRead : std::uint8_t { frame, need_more, damaged };

// Reads the frame at the front of `in`, checks length and checksum. `damaged` when the length is
// impossible or the checksum wrong; `need_more` when `in` ends before the frame does.
FrameRead read_frame(std::string_view in, FrameView& frame);

// The frame at the front of bytes that read_frame has accepted once: nothing is checked again.
inline FrameView checked_frame(std::string_view in) {
  TMQ_CHECK(in.size() >= kFrameHeader);
  const char* raw = in.data();
  const auto length = get_le<std::uint32_t>(raw);
  TMQ_CHECK(length >= kFrameHeader && length <= in.size());
  return {.epoch = get_le<Epoch>(raw + kFrameEpoch),
          .lsn = get_le<Lsn>(raw + kFrameLsn),
          .kind = get_le<std::uint16_t>(raw + kFrameKind),
          .version = static_cast<std::uint8_t>(raw[kFrameVersion]),
          .body = {raw + kFrameHeader, length - kFrameHeader},
          .bytes = {raw, length}};
}

// Appends a frame to `out`. The body is at most kFrameMax - kFrameHeader bytes.
void write_frame(std::string& out, Epoch epoch, Lsn lsn, std::uint16_t kind, const ByteSource& body,
                 std::uint8_t version = kRecordVersion);

}  // namespace tandemq::repl
