#include <doctest/doctest.h>

#include "broker/access/login_brake.h"

using namespace tandemq::broker;

namespace {

constexpr const char* kHere = "10.0.0.1:5000";

void fail(LoginBrake& brake, int times, const char* address, const char* user, std::uint64_t now) {
  for (int i = 0; i < times; ++i) brake.failed(address, user, now);
}

}  // namespace

TEST_CASE("a user at an address is slowed down after a few failures, from any port") {
  LoginBrake brake;
  fail(brake, 5, kHere, "alice", 1'000);
  CHECK(brake.admits(kHere, "alice", 1'000));
  brake.failed(kHere, "alice", 1'000);
  CHECK_FALSE(brake.admits("10.0.0.1:6000", "alice", 1'999));
  CHECK(brake.admits("10.0.0.1:6000", "alice", 2'000));
  CHECK(brake.admits(kHere, "bob", 1'000));
  CHECK(brake.admits("10.0.0.2:5000", "alice", 1'000));
  for (int i = 0; i < 20; ++i) brake.failed(kHere, "alice", 2'000);
  CHECK_FALSE(brake.admits(kHere, "alice", 11'999));
  CHECK(brake.admits(kHere, "alice", 12'000));  // never for longer than that
}

TEST_CASE("who gets it right has only slipped, and all is forgotten some time") {
  LoginBrake brake;
  fail(brake, 8, kHere, "alice", 1'000);
  CHECK_FALSE(brake.admits(kHere, "alice", 1'000));
  brake.succeeded(kHere, "alice");
  CHECK(brake.admits(kHere, "alice", 1'000));
  fail(brake, 5, kHere, "alice", 1'000);
  brake.failed(kHere, "alice", 1'000 + LoginBrake::kForgottenMs);
  CHECK(brake.admits(kHere, "alice", 1'000 + LoginBrake::kForgottenMs));
}

TEST_CASE("who tries one name after the other is slowed down when it comes back to one") {
  LoginBrake brake;
  for (int i = 0; i < 51; ++i) {
    const std::string user = "user" + std::to_string(i);
    brake.failed("[fd00::" + std::to_string(i + 1) + "]:1", user, 1'000);
  }
  CHECK_FALSE(brake.admits("[fd00::99]:1", "user7", 1'100));
  CHECK(brake.admits("[fd00:0:0:1::99]:1", "user7", 1'100));
  CHECK(brake.admits("[fd00::99]:1", "user7", 1'250));
}

TEST_CASE("who has not failed is not slowed down by others at its address") {
  LoginBrake brake;
  for (int i = 0; i < 500; ++i) brake.failed(kHere, "user" + std::to_string(i), 1'000);
  CHECK(brake.admits(kHere, "alice", 1'000));
  brake.failed(kHere, "alice", 1'000);  // a slip
  CHECK(brake.admits_right(kHere, "alice", 1'000));
}

TEST_CASE("a user who is attacked from everywhere comes in from an address that has not failed") {
  LoginBrake brake;
  for (int i = 0; i < 120; ++i) {
    brake.failed("10.0.1." + std::to_string(i) + ":1", "alice", 1'000);
  }
  CHECK_FALSE(brake.admits("10.0.1.5:1", "alice", 1'100));
  CHECK(brake.admits("10.0.2.5:1", "alice", 1'100));
}

TEST_CASE("neither a new process nor a new port is somebody else") {
  LoginBrake brake;
  fail(brake, 6, "unix:uid-1000,pid-77", "alice", 1'000);
  CHECK_FALSE(brake.admits("unix:uid-1000,pid-78", "alice", 1'000));
  CHECK(brake.admits("unix:uid-1001,pid-79", "alice", 1'000));
  fail(brake, 6, "[fe80::1%eth0]:50001", "alice", 1'000);
  CHECK_FALSE(brake.admits("[fe80::1%eth0]:50002", "alice", 1'000));
}

TEST_CASE("it remembers no more than so many") {
  LoginBrake brake;
  for (int i = 0; i < 40'000; ++i) brake.failed(kHere, "user" + std::to_string(i), 1'000);
  CHECK(brake.size() <= LoginBrake::kEntriesMax);
}
