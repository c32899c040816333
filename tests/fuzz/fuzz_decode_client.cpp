// A byte stream as a client reads it. First byte of the input: the version.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/decode_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandemq::mqtt;
  if (size == 0) return 0;
  const std::string_view in(reinterpret_cast<const char*>(data) + 1, size - 1);
  Decoder decoder(Side::client);
  decoder.set_version(static_cast<Version>(3 + data[0] % 3));
  test::decode_stream(decoder, Side::client, in);
  return 0;
}
