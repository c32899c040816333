#include <doctest/doctest.h>

#include <vector>

#include "broker/net/admission.h"
#include "tests/support/memory_transport.h"

using namespace tandemq;
using namespace tandemq::net;

TEST_CASE("connections come in at their rate and in their order, over all listeners") {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  test::MemoryNet net;
  std::vector<std::size_t> in;
  const auto enter = [&in](std::size_t listener, std::unique_ptr<Transport>) {
    in.push_back(listener);
    return true;
  };
  const auto one = [&net] { return net.connect(std::make_shared<test::MemoryWire>()); };
  std::uint64_t now = 7 * kSecond;
  Admission admission(10, enter);
  for (std::size_t i = 0; i < 35; ++i) admission.come(i, one(), now);
  CHECK(in.size() == 10);
  CHECK(admission.waiting() == 25);
  admission.go_on(now + kSecond / 10);
  CHECK(in.size() == 11);
  admission.go_on(now + kSecond);
  CHECK(in.size() == 20);
  admission.come(35, one(), now + kSecond);  // behind those who wait
  CHECK(in.size() == 20);
  for (int i = 2; i < 5; ++i) admission.go_on(now + static_cast<std::uint64_t>(i) * kSecond);
  REQUIRE(in.size() == 36);
  for (std::size_t i = 0; i < in.size(); ++i) CHECK(in[i] == i);
  for (std::size_t i = 0; i < 20; ++i) admission.come(i, one(), now + 5 * kSecond);
  CHECK(admission.waiting() > 0);
  admission.clear();
  CHECK(admission.waiting() == 0);

  Admission open(0, enter);
  in.clear();
  for (std::size_t i = 0; i < 1000; ++i) open.come(i, one(), now);
  CHECK(in.size() == 1000);
}

TEST_CASE("who has gone, or is refused, uses up nobody's turn") {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  test::MemoryNet net;
  std::vector<std::size_t> in;
  Admission admission(10, [&in](std::size_t listener, std::unique_ptr<Transport>) {
    if (listener < 100) return false;
    in.push_back(listener);
    return true;
  });
  std::vector<std::shared_ptr<test::MemoryWire>> wires;
  const auto come = [&](std::size_t listener) {
    wires.push_back(std::make_shared<test::MemoryWire>());
    admission.come(listener, net.connect(wires.back()), kSecond);
  };
  for (std::size_t i = 0; i < 50; ++i) come(i);  // refused
  for (std::size_t i = 100; i < 160; ++i) come(i);
  REQUIRE(in.size() == 10);
  for (std::size_t i = 60; i < 109; ++i) wires[i]->peer_closed = true;
  admission.go_on(kSecond + kSecond / 10);
  CHECK(admission.waiting() == 0);
  REQUIRE(in.size() == 11);
  CHECK(in.back() == 159);
}
