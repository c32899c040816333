#include <doctest/doctest.h>

#include "broker/base/byte_source.h"
#include "broker/base/bytes.h"
#include "broker/base/crc32c.h"
#include "broker/base/ids.h"

using namespace tandemq;

TEST_CASE("crc32c matches the known check value and continues over pieces") {
  CHECK(crc32c("123456789") == 0xe3069283u);
  CHECK(crc32c("6789", crc32c("12345")) == crc32c("123456789"));
  CHECK(crc32c("") == 0);
}

TEST_CASE("crc32c of any length is that of its bytes one by one") {
  std::string text;
  std::uint32_t one_by_one = 0;
  for (int i = 0; i < 200; ++i) {
    CHECK(crc32c(text) == one_by_one);
    text += static_cast<char>(i * 37 + 11);
    one_by_one = crc32c(text.substr(text.size() - 1), one_by_one);
  }
}

TEST_CASE("a byte source is a text, or what is written in its place") {
  const std::string text = "a text";
  CHECK(ByteSource(text).text() == text);
  CHECK(ByteSource("literal").size() == 7);
  CHECK(ByteSource().text().empty());
  const auto fields = [](auto& out) {
    out.u8(1), out.u16(0x0302), out.u32(0x07060504), out.u64(8);
    out.string16("ab"), out.string32("");
  };
  FieldCounter counter;
  fields(counter);
  const auto write = [&](char* at) {
    FieldWriter writer(at);
    fields(writer);
    return writer.end();
  };
  const ByteSource source(counter.size(), write);
  CHECK(source.text() == std::string("\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0\0\0"
                                     "\x02\0ab\0\0\0\0",
                                     23));
}

TEST_CASE("a reader past the end fails and stays failed") {
  std::string out;
  put_le<std::uint32_t>(out, 7);
  put_string16(out, "abc");
  ByteReader reader(out);
  CHECK(reader.le<std::uint32_t>() == 7);
  CHECK(reader.string16() == "abc");
  CHECK(reader.ok());
  CHECK(reader.le<std::uint8_t>() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.bytes(0).empty());
}

TEST_CASE("epochs compare by counter first, then by node") {
  CHECK(make_epoch(2, 1) > make_epoch(1, 2));
  CHECK(make_epoch(2, 2) > make_epoch(2, 1));
  CHECK(epoch_counter(make_epoch(9, 2)) == 9);
  CHECK(epoch_node(make_epoch(9, 2)) == 2);
}
