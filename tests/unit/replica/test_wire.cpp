#include <doctest/doctest.h>

#include <random>

#include "broker/base/bytes.h"
#include "broker/base/crc32c.h"
#include "replicator/core/frame.h"
#include "replicator/core/history.h"
#include "replicator/core/wire.h"

using namespace tandemq;
using namespace tandemq::repl;

namespace {

std::vector<Message> samples() {
  msg::Hello hello{kProtocolNewest,
                   kProtocolOldest,
                   "1.2.3",
                   "plant",
                   2,
                   "b",
                   make_epoch(9, 2),
                   Role::primary,
                   true,
                   true,
                   true,
                   true,
                   true,
                   5,
                   77,
                   {{make_epoch(1, 1), 1}, {make_epoch(9, 2), 40}},
                   kMessagesKnown,
                   features_with({{16, 1}, {17, 2}}, 3),
                   {{"commit", "replicated"}, {"limits.queued_messages_max", "7"}}};
  return {hello,
          msg::Follow{make_epoch(9, 2), 76, true, false, true},
          msg::Records{"frames"},
          msg::Confirm{make_epoch(9, 2), 80, 70, true},
          msg::Heartbeat{make_epoch(9, 2), 80, 79, 123456},
          msg::InSync{make_epoch(9, 2), 80},
          msg::NeedSnapshot{"the checkpoint is beyond"},
          msg::SnapshotBegin{80, 1u << 30, {{make_epoch(9, 2), 40}}},
          msg::SnapshotChunk{4096, 7, "bytes"},
          msg::SnapshotEnd{99},
          msg::SwitchoverOffer{make_epoch(9, 2), 80},
          msg::SwitchoverAccept{0, "not in sync"},
          msg::Goodbye{true, "upgrade"},
          msg::Reject{"wrong pair"}};
}

std::string bytes_of(const Message& message) {
  std::string out;
  encode(out, message);
  return out;
}

}  // namespace

TEST_CASE("every message is read back as it was written") {
  REQUIRE(samples().size() == std::variant_size_v<Message>);
  for (const Message& message : samples()) {
    INFO(std::string(name_of(message)));
    const std::string bytes = bytes_of(message);
    Message back;
    std::size_t size = 0;
    const std::string stream = bytes + "more";
    REQUIRE(decode(stream, back, size) == WireRead::message);
    CHECK(size == bytes.size());
    CHECK(back.index() == message.index());
    CHECK(bytes_of(back) == bytes);
  }
}

TEST_CASE("a message cut short needs more, one with a bit flipped is damaged") {
  for (const Message& message : samples()) {
    INFO(std::string(name_of(message)));
    const std::string bytes = bytes_of(message);
    Message back;
    std::size_t size = 0;
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      CHECK(decode(std::string_view(bytes).substr(0, length), back, size) == WireRead::need_more);
    }
    const bool bulk = std::holds_alternative<msg::Records>(message) ||
                      std::holds_alternative<msg::SnapshotChunk>(message);
    // Bulk bodies carry checksums of their own; the length has none and may ask for more.
    for (std::size_t bit = 32; bit < (bulk ? 9 : bytes.size()) * 8; ++bit) {
      std::string flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      const WireRead read = decode(flipped, back, size);
      CHECK((read == WireRead::damaged || (bulk && bit / 8 == 8)));
    }
  }
}

TEST_CASE("sizes are bounded and contents checked, whatever the checksum says") {
  Message back;
  std::size_t size = 0;
  std::string huge;
  put_le<std::uint32_t>(huge, kMessageMax + 1);
  CHECK(decode(huge, back, size) == WireRead::damaged);
  CHECK(decode(bytes_of(samples()[0]), back, size, 64) == WireRead::damaged);
  std::string tiny;
  put_le<std::uint32_t>(tiny, 8);
  CHECK(decode(tiny, back, size) == WireRead::damaged);
  msg::Hello unsorted;
  unsorted.history = {{make_epoch(2, 1), 10}, {make_epoch(1, 1), 20}};
  CHECK(decode(bytes_of(unsorted), back, size) == WireRead::damaged);
  unsorted.history = {{make_epoch(1, 1), 20}, {make_epoch(2, 1), 20}};
  CHECK(decode(bytes_of(unsorted), back, size) == WireRead::damaged);
}

TEST_CASE("random bytes never crash the reader") {
  std::mt19937_64 random(11);
  Message back;
  std::size_t size = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = bytes_of(samples()[random() % samples().size()]);
    for (std::size_t n = random() % 6; n > 0; --n) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    static_cast<void>(decode(bytes, back, size));
  }
}

namespace {

msg::Hello read_back(const msg::Hello& hello, const std::string& tail = "") {
  std::string bytes = bytes_of(hello) + tail;
  const auto length = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(bytes.data(), &length, sizeof(length));
  const std::uint32_t crc = crc32c(std::string_view(bytes).substr(8));
  std::memcpy(bytes.data() + 4, &crc, sizeof(crc));
  Message back;
  std::size_t size = 0;
  REQUIRE(decode(bytes, back, size) == WireRead::message);
  return std::get<msg::Hello>(back);
}

// What `own` answers to it; empty: welcome.
std::string answer(const msg::Hello& hello, const NodeIdentity& own) {
  const Status valid = check_hello(hello, own);
  return valid ? "" : valid.error().message;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a Hello of another pair or node is refused in a sentence that names both") {
  const NodeIdentity own{"1.0", "plant", 1, "a", "b"};
  msg::Hello hello;
  hello.software = "1.1";
  hello.pair_id = "plant";
  hello.node_index = 2;
  hello.node_name = "b";
  CHECK(answer(hello, own) == "");
  CHECK(contains(answer(hello, {"1.0", "plant", 2, "a", "b"}),
                 "b (TandeMQ 1.1) has node.index 2, a (TandeMQ 1.0) 2"));
  CHECK(contains(answer(hello, {"1.0", "other", 1, "a", "b"}), "belongs to pair 'plant'"));
  CHECK(contains(answer(hello, {"1.0", "plant", 1, "a", "c"}), "expects a peer named 'c'"));
  CHECK(answer(hello, {"1.0", "plant", 1, "a", ""}) == "");
  hello.node_index = 3;
  CHECK(contains(answer(hello, own), "node.index 3"));
}

TEST_CASE("protocols that overlap meet, others are refused with both versions named") {
  const NodeIdentity own{"1.0", "plant", 1, "a", "b"};
  msg::Hello hello;
  hello.software = "3.0";
  hello.pair_id = "plant";
  hello.node_index = 2;
  hello.node_name = "b";
  hello.last = 77;
  hello.newest = kProtocolNewest + 5;
  CHECK(answer(read_back(hello), own) == "");
  CHECK(read_back(hello).last == 77);
  hello.oldest = kProtocolNewest + 1;
  // The opening is read of any protocol, the rest is not: it may look different.
  const msg::Hello apart = read_back(hello);
  CHECK(apart.last == 0);
  CHECK(answer(apart, own) ==
        "b (TandeMQ 3.0) speaks replication protocols 3 to 7, a (TandeMQ 1.0) replication protocol "
        "2: install the same release on both, or one after the other the releases between");
  hello.newest = 1;
  CHECK(contains(answer(read_back(hello), own), "speaks replication protocol 1"));
}

TEST_CASE("what a newer program adds at the end of a message is left unread") {
  msg::Hello hello;
  hello.last = 77;
  CHECK(read_back(hello, "more fields").last == 77);
}

TEST_CASE("the common point of two journals") {
  const Epoch e1 = make_epoch(1, 1), e2 = make_epoch(2, 2), e3 = make_epoch(3, 1);
  const EpochHistory one = {{e1, 1}}, two = {{e1, 1}, {e2, 50}}, three = {{e1, 1}, {e3, 60}};
  CHECK(common_point({}, 0, one, 10) == 0);
  CHECK(common_point(one, 40, one, 30) == 30);
  CHECK(common_point(one, 70, two, 80) == 49);  // a tail of the old reign is lost
  CHECK(common_point(one, 40, two, 80) == 40);  // just behind
  CHECK(common_point(two, 80, three, 90) == 49);
  CHECK(common_point(two, 55, two, 80) == 55);
  CHECK(common_point({{e2, 5}}, 9, {{e2, 6}}, 9) == 0);
  EpochHistory history = two;
  CHECK(epoch_of(history, 49) == e1);
  CHECK(epoch_of(history, 50) == e2);
  CHECK(epoch_of(history, 0) == 0);
  trim_history(history, 49);
  CHECK(history == one);
  extend_history(history, e1, 60);
  CHECK(history == one);
}

TEST_CASE("frames from a peer are checked before they are kept") {
  const Epoch e1 = make_epoch(1, 1), e2 = make_epoch(2, 2);
  std::string frames;
  write_frame(frames, e1, 7, 16, "a");
  write_frame(frames, e1, 8, 16, "b");
  write_frame(frames, e2, 9, 1, "c");
  EpochHistory history = {{e1, 1}};
  const KindTable known = table_of(features_with({{16, 1}}, 1));
  const auto fine = check_frames(frames, 7, e2, known, history);
  REQUIRE(fine);
  CHECK(*fine == 9);
  CHECK(history.back() == EpochStart{e2, 9});
  history = {{e1, 1}};
  CHECK_FALSE(check_frames(frames, 8, e2, known, history));  // a gap
  CHECK_FALSE(check_frames(frames, 7, e1, known, history));  // an epoch above the leader's
  history = {{e2, 1}};
  CHECK_FALSE(check_frames(frames, 7, e2, known, history));  // an epoch that goes back
  history = {{e1, 1}};
  CHECK_FALSE(check_frames(frames.substr(0, frames.size() - 1), 7, e2, known, history));
  frames[40] ^= 1;
  CHECK_FALSE(check_frames(frames, 7, e2, known, history));
}

TEST_CASE("records that this program cannot read are refused before they are kept") {
  const Epoch e1 = make_epoch(1, 1);
  const KindTable known = table_of(features_with({{16, 1}, {17, 2}}, 1));
  const auto refusal = [&](std::uint16_t kind, std::uint8_t version) {
    std::string frames;
    write_frame(frames, e1, 7, 16, "a");
    write_frame(frames, e1, 8, kind, "b", version);
    EpochHistory history = {{e1, 1}};
    const auto read = check_frames(frames, 7, e1, known, history);
    return read ? std::string() : read.error().message;
  };
  CHECK(refusal(17, 1) == "");
  CHECK(refusal(17, 2) == "");
  CHECK(contains(refusal(17, 3), "record 8 is of kind 17, version 3"));
  CHECK(contains(refusal(16, 0), "kind 16, version 0"));
  CHECK(contains(refusal(18, 1), "kind 18"));
  CHECK(contains(refusal(300, 1), "kind 300"));
}
