#include "replicator/core/frame.h"

#include "broker/base/crc32c.h"
#include "replicator/core/frame_write.h"

namespace tandemq::repl {
namespace {

template <class T>
void put_at(char* raw, std::size_t at, T value) {
  std::memcpy(raw + at, &value, sizeof(T));
}

}  // namespace

FrameRead read_frame(std::string_view in, FrameView& frame) {
  if (in.size() < sizeof(std::uint32_t)) return FrameRead::need_more;
  const char* raw = in.data();
  const auto length = get_le<std::uint32_t>(raw);
  if (length < kFrameHeader || length > kFrameMax) return FrameRead::damaged;
  if (in.size() < length) return FrameRead::need_more;
  if (get_le<std::uint32_t>(raw + kFrameChecksum) !=
      crc32c(in.substr(kFrameChecked, length - kFrameChecked))) {
    return FrameRead::damaged;
  }
  if (raw[kFrameZero] != 0) return FrameRead::damaged;
  frame = checked_frame(in);
  return FrameRead::frame;
}

void write_frame_at(char* at, Epoch epoch, Lsn lsn, std::uint16_t kind, const ByteSource& body,
                    std::uint8_t version) {
  TMQ_CHECK(body.size() <= kFrameMax - kFrameHeader);
  const std::size_t length = kFrameHeader + body.size();
  put_at(at, 0, static_cast<std::uint32_t>(length));
  put_at(at, kFrameEpoch, epoch);
  put_at(at, kFrameLsn, lsn);
  put_at(at, kFrameKind, kind);
  put_at(at, kFrameVersion, version);
  put_at(at, kFrameZero, std::uint8_t{0});
  body.write(at + kFrameHeader);
  put_at(at, kFrameChecksum, crc32c({at + kFrameChecked, length - kFrameChecked}));
}

void write_frame(std::string& out, Epoch epoch, Lsn lsn, std::uint16_t kind, const ByteSource& body,
                 std::uint8_t version) {
  const std::size_t start = out.size();
  out.resize(start + kFrameHeader + body.size());
  write_frame_at(out.data() + start, epoch, lsn, kind, body, version);
}

}  // namespace tandemq::repl
