#include <doctest/doctest.h>
#include <event2/event.h>

#include <chrono>
#include <thread>
#include <vector>

#include "broker/access/login_worker.h"

using namespace tandemq;
using namespace tandemq::broker;

namespace {

constexpr std::size_t kPlenty = 1 << 20;

PasswordHash slow(int iterations) {
  return {iterations, "salt", std::string(64, '\0')};
}

struct Loop {
  event_base* base = event_base_new();
  ~Loop() { event_base_free(base); }
  void until(const std::function<bool()>& done) const {
    while (!done()) event_base_loop(base, EVLOOP_ONCE);
  }
};

}  // namespace

TEST_CASE("answers come in the order of the questions, however long each takes") {
  const Loop loop;
  LoginWorker worker(loop.base, kPlenty, 3);
  std::vector<int> order;
  for (int i = 0; i < 60; ++i) {
    const int iterations = i % 7 == 0 ? 3000 : 1;
    REQUIRE(worker.check(slow(iterations), "x", [&order, i](bool matches) {
      CHECK_FALSE(matches);
      order.push_back(i);
    }));
  }
  CHECK(order.empty());  // never from inside check()
  loop.until([&] { return order.size() == 60; });
  for (int i = 0; i < 60; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
  CHECK(worker.waiting() == 0);
}

TEST_CASE("the loop turns while a password is checked") {
  const Loop loop;
  LoginWorker worker(loop.base, kPlenty, 1);
  bool answered = false;
  int turns = 0;
  REQUIRE(worker.check(slow(200'000), "x", [&](bool) { answered = true; }));
  while (!answered) {
    const timeval soon{0, 1000};
    event_base_loopexit(loop.base, &soon);
    event_base_dispatch(loop.base);
    ++turns;
  }
  CHECK(turns > 3);
}

TEST_CASE("what is cancelled is not answered, and what had not begun takes no time") {
  const Loop loop;
  LoginWorker worker(loop.base, kPlenty, 1);
  int answered = 0;
  const auto count = [&](bool) { ++answered; };
  const auto first = worker.check(slow(1), "x", count);
  std::vector<LoginWorker::Number> costly;
  for (int i = 0; i < 100; ++i) costly.push_back(worker.check(slow(200'000), "x", count));
  CHECK(worker.waiting() == 101);
  // The first of them may run already; a run cannot be broken off, so leave that one cheap.
  for (const auto number : costly) worker.cancel(number);
  worker.cancel(first);
  worker.cancel(first);
  worker.cancel(0);
  worker.cancel(12345);
  CHECK(worker.waiting() == 0);
}

TEST_CASE("who waits is not kept waiting by those who gave up") {
  const Loop loop;
  LoginWorker worker(loop.base, kPlenty, 1);
  for (int i = 0; i < 200; ++i) worker.cancel(worker.check(slow(1), "x", [](bool) {}));
  bool answered = false;
  worker.check(slow(1), "x", [&](bool) { answered = true; });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // for all of them
  int turns = 0;
  loop.until([&] {
    ++turns;
    return answered;
  });
  CHECK(turns < 6);
}

TEST_CASE("an answer may cancel the one behind it, and ask again") {
  const Loop loop;
  LoginWorker worker(loop.base, kPlenty, 2);
  bool wrong = false, last = false;
  LoginWorker::Number second = 0;
  worker.check(slow(1), "x", [&](bool) {
    worker.cancel(second);
    worker.check(slow(1), "x", [&](bool) { last = true; });
  });
  second = worker.check(slow(1), "x", [&](bool) { wrong = true; });
  loop.until([&] { return last; });
  CHECK_FALSE(wrong);
}

TEST_CASE("too many are refused, and there is room again when they are done") {
  const Loop loop;
  LoginWorker worker(loop.base, 4096, 1);
  std::size_t answered = 0, taken = 0;
  const auto count = [&](bool) { ++answered; };
  while (worker.check(slow(2000), std::string(100, 'x'), count)) ++taken;
  CHECK(taken > 3);
  CHECK(taken < 40);
  loop.until([&] { return answered == taken; });
  CHECK(worker.check(slow(1), std::string(100, 'x'), count) != 0);
  loop.until([&] { return answered == taken + 1; });
}

TEST_CASE("a worker that ends answers nobody") {
  const Loop loop;
  bool answered = false;
  {
    LoginWorker worker(loop.base, kPlenty, 2);
    for (int i = 0; i < 100; ++i) worker.check(slow(1000), "x", [&](bool) { answered = true; });
  }
  event_base_loop(loop.base, EVLOOP_NONBLOCK);
  CHECK_FALSE(answered);
}
