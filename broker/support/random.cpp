#include "broker/support/random.h"

#include <sys/random.h>

#include "broker/base/check.h"

namespace tandemq {
namespace {

void fill(void* to, std::size_t size) {
  TMQ_CHECK(getrandom(to, size, 0) == static_cast<ssize_t>(size));
}

}  // namespace

std::uint64_t random_number() {
  std::uint64_t number = 0;
  fill(&number, sizeof(number));
  return number;
}

std::string random_hex(std::size_t bytes) {
  std::string random(bytes, '\0');
  fill(random.data(), bytes);
  std::string hex;
  for (const char c : random) {
    const auto byte = static_cast<unsigned char>(c);
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

}  // namespace tandemq
