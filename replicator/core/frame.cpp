#include "replicator/core/frame.h"

#include "broker/base/bytes.h"
#include "broker/base/check.h"
#include "broker/base/crc32c.h"

namespace tandemq::repl {
namespace {

// Offsets of docs/journal-format.md, section "Frame".
constexpr std::size_t kChecksumAt = 4;
constexpr std::size_t kCheckedFrom = 8;
constexpr std::size_t kEpochAt = 8;
constexpr std::size_t kLsnAt = 16;
constexpr std::size_t kKindAt = 24;
constexpr std::size_t kVersionAt = 26;
constexpr std::size_t kZeroAt = 27;

template <class T>
void put_at(char* raw, std::size_t at, T value) {
  std::memcpy(raw + at, &value, sizeof(T));
}

FrameView view_of(const char* raw, std::uint32_t length) {
  return {.epoch = get_le<Epoch>(raw + kEpochAt),
          .lsn = get_le<Lsn>(raw + kLsnAt),
          .kind = get_le<std::uint16_t>(raw + kKindAt),
          .version = static_cast<std::uint8_t>(raw[kVersionAt]),
          .body = {raw + kFrameHeader, length - kFrameHeader},
          .bytes = {raw, length}};
}

}  // namespace

FrameRead read_frame(std::string_view in, FrameView& frame) {
  if (in.size() < sizeof(std::uint32_t)) return FrameRead::need_more;
  const char* raw = in.data();
  const auto length = get_le<std::uint32_t>(raw);
  if (length < kFrameHeader || length > kFrameMax) return FrameRead::damaged;
  if (in.size() < length) return FrameRead::need_more;
  if (get_le<std::uint32_t>(raw + kChecksumAt) !=
      crc32c(in.substr(kCheckedFrom, length - kCheckedFrom))) {
    return FrameRead::damaged;
  }
  if (raw[kZeroAt] != 0) return FrameRead::damaged;
  frame = view_of(raw, length);
  return FrameRead::frame;
}

FrameView checked_frame(std::string_view in) {
  TMQ_CHECK(in.size() >= kFrameHeader);
  const auto length = get_le<std::uint32_t>(in.data());
  TMQ_CHECK(length >= kFrameHeader && length <= in.size());
  return view_of(in.data(), length);
}

void write_frame(std::string& out, Epoch epoch, Lsn lsn, std::uint16_t kind, std::string_view body,
                 std::uint8_t version) {
  TMQ_CHECK(body.size() <= kFrameMax - kFrameHeader);
  const std::size_t length = kFrameHeader + body.size();
  const std::size_t start = out.size();
  char header[kFrameHeader] = {};
  put_at(header, 0, static_cast<std::uint32_t>(length));
  put_at(header, kEpochAt, epoch);
  put_at(header, kLsnAt, lsn);
  put_at(header, kKindAt, kind);
  put_at(header, kVersionAt, version);
  out.append(header, kFrameHeader);
  out.append(body);
  const std::string_view checked(out.data() + start + kCheckedFrom, length - kCheckedFrom);
  put_at(out.data() + start, kChecksumAt, crc32c(checked));
}

}  // namespace tandemq::repl
