#include <doctest/doctest.h>

#include <random>

#include "broker/core/record_codec.h"
#include "broker/core/records.h"

using namespace tandemq;
using namespace tandemq::core;

namespace {

MessageRef message(std::string_view topic = "plant/1/temp", TimeMs expires_at = 0) {
  return Message::create({topic, "21.5", "\x01\x01", 2, true, expires_at});
}

// Packet identifiers 9 and 65,535.
constexpr std::string_view kTwoMore("\x09\x00\xff\xff", 4);

// Samples of each kind: one that has none here does not compile.
template <class T>
struct Of {};
using Samples = std::vector<Record>;

Samples samples(Of<ReignBegan>) {
  return {ReignBegan{make_epoch(3, 1), 5}};
}
Samples samples(Of<SessionOpened>) {
  SessionOpened opened{7, 1000, true, 5, 30, 3600, "client one", "user", "mqtts", true, {}};
  opened.will = {message("will/topic"), 5, 60, true};
  return {opened, SessionOpened{8, 1, false, 4, 0, kNeverExpires, "c", "", "", false, {}}};
}
Samples samples(Of<SessionClosed>) {
  return {SessionClosed{7, 2000, 60, true}};
}
Samples samples(Of<SessionRemoved>) {
  return {SessionRemoved{7}};
}
Samples samples(Of<Subscribed>) {
  return {Subscribed{7, {{"a/+", 1, true, false, 1, 0}, {"$share/g/b/#", 2, false, true, 2, 9}}}};
}
Samples samples(Of<Unsubscribed>) {
  return {Unsubscribed{7, {"a/+", "b"}}};
}
Samples samples(Of<Published>) {
  Published published{1234, 7, 42, false, RetainAction::store, message("a/b", 99'000), {}};
  published.targets = {{1, 0, 1, false, {}}, {2, 65535, 2, true, {3, 268435455}}};
  Published moved{1236, kNoSession, 0, false, RetainAction::none, message("m"), {}};
  moved.moved_from = 7, moved.moved_sequence = 1'000'000'000'000;
  Published will{1235, 9, 0, true, RetainAction::none, message("gone"), {}};
  return {published, will, moved};
}
Samples samples(Of<RetainedQueued>) {
  return {RetainedQueued{7, {{"a/b", {7, 3, 1, true, {}}}, {"a/c", {7, 0, 2, true, {5}}}}}};
}
Samples samples(Of<Sent>) {
  return {Sent{7, {1, 2, 65535}}};
}
Samples samples(Of<Acked>) {
  return {Acked{7, 1, {}}, Acked{7, 1, kTwoMore}};
}
Samples samples(Of<Received>) {
  return {Received{7, 2, {}}, Received{7, 2, kTwoMore}};
}
Samples samples(Of<Completed>) {
  return {Completed{7, 3, {}}, Completed{7, 3, kTwoMore}};
}
Samples samples(Of<Released>) {
  return {Released{7, 4, {}}, Released{7, 4, kTwoMore}};
}
Samples samples(Of<Dropped>) {
  return {Dropped{7, {1, 1ull << 40}}};
}
Samples samples(Of<RetainedExpired>) {
  return {RetainedExpired{"a/b"}};
}
Samples samples(Of<WillSettled>) {
  return {WillSettled{7}};
}

Samples samples(Of<AccountSet>) {
  return {
      AccountSet{{AccountKind::user, "meter 7", true, "$7$101$c2FsdA==$aGFzaA==", {"meters"}},
                 true},
      AccountSet{{AccountKind::role, "meters", true, "", {"topic read a/#", "pattern b/%c"}}, true},
      AccountSet{{AccountKind::user, "meter 7", false, "", {}}, false}};
}

Samples samples() {
  Samples all;
#define TMQ_X(number, kind, type, version) \
  for (const Record& record : samples(Of<type>{})) all.push_back(record);
  TMQ_RECORD_KINDS(TMQ_X)
#undef TMQ_X
  return all;
}

std::string bytes_of(const Record& record) {
  std::string out;
  encode_record(out, record);
  return out;
}

// Packet identifiers have no count of their own: fewer are a record as well.
bool is_shorter_run(const Record& record, std::size_t size) {
  const auto whole_ids = [size](const auto& r) {
    return requires {
      r.more;
    }
    &&size >= 6 && size % 2 == 0;
  };
  return std::visit(whole_ids, record);
}

}  // namespace

TEST_CASE("every record survives encode and decode") {
  for (const Record& record : samples()) {
    const std::string body = bytes_of(record);
    CAPTURE(describe(record));
    Result<Record> back = decode_record(kind_of(record), body);
    REQUIRE(back);
    CHECK(back->index() == record.index());
    CHECK(describe(*back) == describe(record));
    CHECK(bytes_of(*back) == body);
  }
}

TEST_CASE("decoding into a used record leaves nothing of the old one") {
  Record reused;
  for (int round = 0; round < 2; ++round) {
    for (const Record& record : samples()) {
      const std::string body = bytes_of(record);
      REQUIRE(decode_body(kind_of(record), body, reused));
      CHECK(bytes_of(reused) == body);
    }
  }
}

TEST_CASE("a body cut short or too long is an error") {
  for (const Record& record : samples()) {
    const std::string body = bytes_of(record);
    CAPTURE(describe(record));
    for (std::size_t size = 0; size < body.size(); ++size) {
      if (is_shorter_run(record, size)) continue;
      CHECK_FALSE(decode_record(kind_of(record), std::string_view(body).substr(0, size)));
    }
    CHECK_FALSE(decode_record(kind_of(record), body + 'x'));
  }
}

TEST_CASE("unknown kinds are errors that name the kind") {
  Result<Record> result = decode_record(static_cast<Kind>(200), "");
  REQUIRE_FALSE(result);
  CHECK(result.error().message.find("kind 200") != std::string::npos);
}

TEST_CASE("random damage never reads outside the body") {
  std::mt19937_64 random(20260101);
  for (const Record& record : samples()) {
    const std::string body = bytes_of(record);
    for (int round = 0; round < 2000; ++round) {
      std::string damaged = body;
      for (int flips = 0; flips < 3; ++flips)
        damaged[random() % damaged.size()] = static_cast<char>(random());
      Result<Record> result = decode_record(kind_of(record), damaged);
      if (result) {
        const std::string again = bytes_of(*result);
        CHECK(decode_record(kind_of(record), again));
      }
    }
  }
}

TEST_CASE("the line for a person says what happened and quotes what clients wrote") {
  CHECK(describe(samples(Of<Published>{})[0]).starts_with("published topic=a/b qos=2 bytes=4"));
  CHECK(describe(RetainedExpired{"a\nb \"c\""}) == "retained_expired topic=\"a\\x0ab \\\"c\\\"\"");
  CHECK(describe(Acked{3, 9, {}}) == "acked session=3 packet_id=9");
  CHECK(describe(Acked{3, 9, kTwoMore}) == "acked session=3 packet_id=9 more=2");
}

TEST_CASE("the bytes are those of docs/journal-format.md") {
  CHECK(bytes_of(Acked{0x01020304, 0x0506, {}}) == std::string("\x04\x03\x02\x01\x06\x05", 6));
  const MessageRef plain = Message::create({"t", "p", "", 1, false, 0});
  Published published{1, kNoSession, 0, false, RetainAction::clear, plain, {{2, 3, 1, true, {}}}};
  const std::string expected(
      "\x01\0\0\0\0\0\0\0"
      "\x02"
      "\x01"
      "\x01\0t"
      "\x01\0\0\0p"
      "\x01\0\0\0"
      "\x02\0\0\0"
      "\x03\0"
      "\x05",
      29);
  CHECK(bytes_of(published) == expected);
}
