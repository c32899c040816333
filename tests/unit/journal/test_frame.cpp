#include <doctest/doctest.h>

#include "broker/base/bytes.h"
#include "replicator/core/frame.h"

using namespace tandemq;
using namespace tandemq::repl;

TEST_CASE("a frame comes back as it was written") {
  std::string out = "before";
  write_frame(out, make_epoch(3, 2), 77, 20, "body");
  FrameView frame;
  REQUIRE(read_frame(std::string_view(out).substr(6), frame) == FrameRead::frame);
  CHECK(frame.epoch == make_epoch(3, 2));
  CHECK(frame.lsn == 77);
  CHECK(frame.kind == 20);
  CHECK(frame.version == kRecordVersion);
  CHECK(frame.body == "body");
  CHECK(frame.bytes == std::string_view(out).substr(6));
}

TEST_CASE("the bytes of a frame are the table of docs/journal-format.md") {
  std::string out;
  write_frame(out, 0x0102, 3, 16, "xy");
  REQUIRE(out.size() == 30);
  CHECK(get_le<std::uint32_t>(out.data()) == 30);
  CHECK(get_le<std::uint64_t>(out.data() + 8) == 0x0102);
  CHECK(get_le<std::uint64_t>(out.data() + 16) == 3);
  CHECK(get_le<std::uint16_t>(out.data() + 24) == 16);
  CHECK(out[26] == 1);
  CHECK(out[27] == 0);
  CHECK(out.substr(28) == "xy");
}

TEST_CASE("every prefix of a frame asks for more") {
  std::string out;
  write_frame(out, 1, 1, 16, "some body");
  FrameView frame;
  for (std::size_t size = 0; size < out.size(); ++size) {
    CHECK(read_frame(std::string_view(out).substr(0, size), frame) == FrameRead::need_more);
  }
}

TEST_CASE("every flipped bit of a frame is noticed") {
  std::string out;
  write_frame(out, 1, 1, 16, "some body");
  for (std::size_t bit = 0; bit < out.size() * 8; ++bit) {
    std::string bad = out;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    FrameView frame;
    CHECK(read_frame(bad, frame) != FrameRead::frame);
  }
}

TEST_CASE("an impossible length is damage at once") {
  FrameView frame;
  std::string zeros(64, '\0');
  CHECK(read_frame(zeros, frame) == FrameRead::damaged);
  std::string huge;
  put_le<std::uint32_t>(huge, kFrameMax + 1);
  CHECK(read_frame(huge, frame) == FrameRead::damaged);
}
