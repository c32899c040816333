// A message's bytes in memory that other messages had before.
#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "broker/core/message.h"
#include "broker/core/message_blocks.h"

using namespace tandemq;
using namespace tandemq::core;

TEST_CASE("messages keep their bytes, whatever came and went before") {
  struct Kept {
    std::string topic, properties, payload;
    MessageRef message;
  };
  std::mt19937 random(1);
  const auto text = [&random](std::size_t size_max) {
    return std::string(random() % (size_max + 1), static_cast<char>('a' + random() % 26));
  };
  std::vector<Kept> kept;
  for (int round = 0; round < 20'000; ++round) {
    // Now many come, now many go.
    const bool comes = kept.size() < 10 || random() % 4 < (round / 3000 % 2 == 0 ? 3u : 1u);
    if (comes && kept.size() < 3000) {
      Kept one{text(30), text(20), text(600), {}};
      MessageFields fields;
      fields.topic = one.topic;
      fields.properties = one.properties;
      fields.payload = one.payload;
      one.message = Message::create(fields);
      kept.push_back(std::move(one));
    } else {
      std::swap(kept[random() % kept.size()], kept.back());
      kept.pop_back();
    }
    const Kept& any = kept[random() % kept.size()];
    REQUIRE(any.message->topic() == any.topic);
    REQUIRE(any.message->properties() == any.properties);
    REQUIRE(any.message->payload() == any.payload);
  }
}

TEST_CASE("a block is used again for a size that it fits, and only for that") {
  if (kWatchBlocks) return;
  MessageBlocks blocks;
  void* first = blocks.allocate(100);
  void* second = blocks.allocate(100);
  CHECK(first != second);
  blocks.release(first, 100);
  blocks.release(second, 100);
  void* other = blocks.allocate(200);
  CHECK(other != first);
  CHECK(other != second);
  CHECK(blocks.allocate(104) == second);
  CHECK(blocks.allocate(89) == first);
  blocks.release(first, 89);
  blocks.release(second, 104);
  blocks.release(other, 200);
}
