#include <doctest/doctest.h>

#include "broker/base/bytes.h"
#include "broker/base/crc32c.h"
#include "broker/base/ids.h"

using namespace tandemq;

TEST_CASE("crc32c matches the known check value and continues over pieces") {
  CHECK(crc32c("123456789") == 0xe3069283u);
  CHECK(crc32c("6789", crc32c("12345")) == crc32c("123456789"));
  CHECK(crc32c("") == 0);
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
