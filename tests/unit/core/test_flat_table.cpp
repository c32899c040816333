#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <random>

#include "broker/core/flat_table.h"
#include "broker/core/text_hash.h"

using namespace tandemq::core;

namespace {

struct Item {
  std::uint64_t key;
};

// Few different hashes make long clusters, the worst case for moving and closing gaps.
std::uint64_t hash_of(std::uint64_t key, int shape) {
  if (shape == 0) return key;
  if (shape == 1) return mix64(key + 1, 0x9e3779b97f4a7c15u);
  return mix64(key / 8 + 1, 0x9e3779b97f4a7c15u);
}

}  // namespace

TEST_CASE("the table holds what was put in, also while it grows step by step") {
  for (int shape = 0; shape < 3; ++shape) {
    CAPTURE(shape);
    std::mt19937_64 random(static_cast<std::uint64_t>(shape) + 1);
    std::map<std::uint64_t, std::unique_ptr<Item>> model;
    FlatTable<Item> table;
    for (int round = 0; round < 200'000; ++round) {
      const std::uint64_t key = random() % (round < 100'000 ? 40'000 : 200'000);
      const std::uint64_t hash = hash_of(key, shape);
      Item* found = table.find(hash, [&](const Item& item) { return item.key == key; });
      auto held = model.find(key);
      REQUIRE(found == (held == model.end() ? nullptr : held->second.get()));
      if (!found) {
        auto item = std::make_unique<Item>(Item{key});
        table.insert(hash, item.get());
        model[key] = std::move(item);
      } else if (random() % 2) {
        table.erase(hash, found);
        model.erase(held);
      }
      REQUIRE(table.size() == model.size());
      if (round % 20'000 == 0) {
        std::size_t count = 0;
        table.each([&](const Item& item) { count += model.count(item.key); });
        REQUIRE(count == model.size());
      }
    }
    for (const auto& [key, item] : model) {
      const std::uint64_t wanted = key;
      REQUIRE(table.find(hash_of(key, shape), [&](const Item& one) { return one.key == wanted; }) ==
              item.get());
      table.erase(hash_of(key, shape), item.get());
    }
    CHECK(table.empty());
  }
}
