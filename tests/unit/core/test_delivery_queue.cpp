#include <doctest/doctest.h>

#include <deque>
#include <random>

#include "broker/core/delivery_queue.h"

using namespace tandemq;
using namespace tandemq::core;

TEST_CASE("an empty queue finds nothing and gives the identifier asked for") {
  DeliveryQueue queue;
  CHECK(queue.find(1) == DeliveryQueue::kNone);
  CHECK(queue.free_id(65535) == 65535);
  CHECK(queue.lower_bound(5) == 0);
}

TEST_CASE("what was left unacknowledged for a whole turn of the identifiers hides nothing") {
  DeliveryQueue queue;
  const auto fly = [&queue](std::uint16_t id) {
    queue.push();
    queue.begin_flight(id);
  };
  fly(1);
  for (std::uint16_t id = 2; id < 65'534; ++id) {
    fly(id);
    queue.erase(queue.find(id));
  }
  for (const int id : {65'534, 65'535, 2, 3}) fly(static_cast<std::uint16_t>(id));
  CHECK(queue.find(65'534) == 1);
  CHECK(queue.find(65'535) == 2);
  CHECK(queue.find(2) == 3);
  CHECK(queue.free_id(1) == 4);
}

TEST_CASE("the queue does what a list would, around the end of identifiers and with gaps") {
  struct Model {
    std::uint64_t sequence;
    std::uint16_t id;
  };
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    DeliveryQueue queue;
    std::deque<Model> model;
    std::size_t inflight = 0;
    std::uint64_t sequence = 0;
    std::uint16_t next = 65'500;
    for (int round = 0; round < 100'000; ++round) {
      const std::size_t what = random() % 10;
      if (what < 4 && model.size() < 300) {
        queue.push().sequence = ++sequence;
        model.push_back({sequence, 0});
      } else if (what < 7 && inflight < model.size() && inflight < 40) {
        next = queue.free_id(next);
        REQUIRE(next != 0);
        for (std::size_t i = 0; i < inflight; ++i) REQUIRE(model[i].id != next);
        queue.begin_flight(next);
        model[inflight++].id = next;
        next = next_packet_id(next);
      } else if (!model.empty()) {
        // Mostly from the front, leaving the very first one there for long.
        std::size_t i = random() % std::min<std::size_t>(model.size(), 5);
        if (i == 0 && seed % 2 && random() % 2000 != 0) i = model.size() > 1 ? 1 : 0;
        if (random() % 50 == 0) i = random() % model.size();
        if (i < inflight) {
          REQUIRE(queue.find(model[i].id) == i);
          --inflight;
        }
        queue.erase(i);
        model.erase(model.begin() + static_cast<std::ptrdiff_t>(i));
      }
      REQUIRE(queue.size() == model.size());
      REQUIRE(queue.inflight() == inflight);
      if (model.empty()) continue;
      const std::size_t probe = random() % model.size();
      REQUIRE(queue[probe].sequence == model[probe].sequence);
      REQUIRE(queue.lower_bound(model[probe].sequence) == probe);
      if (probe < inflight) REQUIRE(queue.find(model[probe].id) == probe);
      const auto id = static_cast<std::uint16_t>(1 + random() % 65535);
      std::size_t at = DeliveryQueue::kNone;
      for (std::size_t i = 0; i < inflight; ++i)
        if (model[i].id == id) at = i;
      REQUIRE(queue.find(id) == at);
    }
  }
}
