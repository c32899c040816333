// A byte stream as a server reads it, from CONNECT on. First byte of the input: the size limit.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/decode_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandemq::mqtt;
  if (size == 0) return 0;
  const std::string_view in(reinterpret_cast<const char*>(data) + 1, size - 1);
  test::decode_stream(Decoder(Side::server, data[0] * 16u), Side::server, in);
  return 0;
}
