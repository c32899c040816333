#include <doctest/doctest.h>

#include <random>
#include <string>

#include "broker/base/byte_buffer.h"

using namespace tandemq;

TEST_CASE("a byte buffer holds what was put into it since it was cleared") {
  ByteBuffer buffer, other;
  std::string held, held_by_other;
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    const std::string piece(random() % 300, static_cast<char>('a' + random() % 26));
    if (random() % 2 == 0)
      buffer.append(piece);
    else if (!piece.empty())
      std::memcpy(buffer.extend(piece.size()), piece.data(), piece.size());
    held += piece;
    REQUIRE(buffer.view() == held);
    CHECK(buffer.size() == held.size());
    CHECK(buffer.empty() == held.empty());
    if (random() % 10 != 0) continue;
    buffer.swap(other);
    held.swap(held_by_other);
    REQUIRE(other.view() == held_by_other);
    buffer.clear();
    held.clear();
  }
}
