#include <doctest/doctest.h>
#include <event2/event.h>

#include <fstream>
#include <optional>

#include "broker/access/access.h"
#include "tests/support/temp_dir.h"

using namespace tandemq;
using namespace tandemq::broker;
using mqtt::Reason;

namespace {

// Made by `mosquitto_passwd -b` (2.0.11): user alice, password secret.
const char* const kAlice =
    "alice:$7$101$C9QaBCMqZB+d830O$CjRHekS5LFNjeE6HDyIYfHU+4d8uNc/c+1GK8Nuyi/J8YUmgN+"
    "xDetbig2Lr/rmdk5XbG9LTd9+fQG/2/qU5dw==\n";

// Two doors: 0 is outside, with passwords and rules; 1 lets anonymous clients in, without rules.
struct Doors {
  event_base* base = event_base_new();
  test::TempDir folder;
  std::vector<ListenerSection> listeners{2};
  std::unique_ptr<Access> access;

  Doors() {
    write("passwords", kAlice);
    write("acl", "user alice\ntopic read a/#\n");
    listeners[0].access = {std::nullopt, folder / "passwords", folder / "acl"};
    listeners[0].name = "outside";
    listeners[1].name = "inside";
    listeners[1].access.allow_anonymous = true;
    access = std::make_unique<Access>(base, listeners);
    REQUIRE(access->reload());
  }
  ~Doors() {
    access.reset();
    event_base_free(base);
  }
  void write(const char* name, const std::string& text) { std::ofstream(folder / name) << text; }
  // The answer, waited for; `at_once` tells whether begin() gave it.
  Reason ask(Door door, const char* user, const char* password, bool* at_once = nullptr) {
    mqtt::Connect packet;
    packet.has_username = user != nullptr;
    if (user) packet.username = user;
    if (password) packet.password = password;
    std::optional<Reason> answer;
    const Access::Ticket ticket = access->begin(
        Credentials(door, packet), [&](const Verdict& verdict) { answer = verdict.reason; });
    CHECK((ticket == 0) == answer.has_value());
    if (at_once) *at_once = answer.has_value();
    while (!answer) event_base_loop(base, EVLOOP_ONCE);
    return *answer;
  }
};

mqtt::Connect connect_of_alice(std::string_view password) {
  mqtt::Connect packet;
  packet.has_username = true;
  packet.username = "alice";
  packet.password = password;
  return packet;
}

}  // namespace

TEST_CASE("passwords are answered later, everything else at once") {
  Doors doors;
  bool at_once = true;
  CHECK(doors.ask(0, "alice", "secret", &at_once) == Reason::success);
  CHECK_FALSE(at_once);
  CHECK(doors.ask(0, "alice", "other", &at_once) == Reason::bad_username_or_password);
  CHECK_FALSE(at_once);
  CHECK(doors.ask(0, "eve", "secret", &at_once) == Reason::bad_username_or_password);
  CHECK_FALSE(at_once);  // takes as long as for a user who is known
  CHECK(doors.ask(0, nullptr, nullptr, &at_once) == Reason::not_authorized);
  CHECK(at_once);
  CHECK(doors.ask(1, nullptr, nullptr, &at_once) == Reason::success);
  CHECK(at_once);
  CHECK(doors.ask(1, "alice", "other", &at_once) == Reason::success);
}

TEST_CASE("who is gone is not answered") {
  Doors doors;
  mqtt::Connect packet;
  packet.has_username = true;
  packet.username = "alice";
  bool answered = false;
  const Access::Ticket ticket =
      doors.access->begin(Credentials(0, packet), [&](const Verdict&) { answered = true; });
  REQUIRE(ticket != 0);
  CHECK(doors.access->figures().waiting == 1);
  doors.access->cancel(ticket);
  CHECK(doors.access->figures().waiting == 0);
  doors.ask(0, "alice", "secret");  // behind it
  CHECK_FALSE(answered);
}

TEST_CASE("rights go by the listener") {
  Doors doors;
  REQUIRE(doors.access->permissions() == doors.access.get());
  CHECK(doors.access->decide("outside", "c", "alice")->may_receive("a/b"));
  CHECK_FALSE(doors.access->decide("outside", "c", "alice")->may_receive("b"));
  CHECK(doors.access->decide("inside", "c", "alice") == nullptr);
  CHECK_FALSE(doors.access->decide("gone", "c", "alice")->may_receive("b"));
}

TEST_CASE("of a listener that is gone only what all rule files allow is allowed") {
  Doors doors;
  doors.write("acl", "topic write b\nuser alice\ntopic read a/#\ntopic read b\n");
  const std::string other = doors.folder / "other";
  std::ofstream(other) << "topic write b\ntopic write c\nuser alice\ntopic read b\n";
  doors.listeners[1].access.acl_file = other;
  Access access(nullptr, doors.listeners);
  REQUIRE(access.reload());
  unlink(other.c_str());
  const core::GrantsRef grants = access.decide("gone", "c", "alice");
  CHECK(grants->may_receive("b"));
  CHECK(grants->may_subscribe("b"));
  CHECK_FALSE(grants->may_receive("a/b"));
  CHECK_FALSE(grants->may_publish("b"));
  CHECK(access.decide("gone", "c", "")->may_publish("b"));
  CHECK_FALSE(access.decide("gone", "c", "")->may_publish("c"));
}

TEST_CASE("reading the files again is another revision; a broken file changes nothing") {
  Doors doors;
  const std::uint32_t before = doors.access->revision();
  doors.write("acl", "user alice\ntopic read b/#\n");
  REQUIRE(doors.access->reload());
  CHECK(doors.access->revision() != before);
  CHECK(doors.access->decide("outside", "c", "alice")->may_receive("b/c"));
  doors.write("acl", "tpoic x\n");
  doors.write("passwords", "");
  const std::uint32_t kept = doors.access->revision();
  CHECK_FALSE(doors.access->reload());
  CHECK(doors.access->revision() == kept);
  CHECK(doors.access->decide("outside", "c", "alice")->may_receive("b/c"));
  CHECK(doors.ask(0, "alice", "secret") == Reason::success);
}

TEST_CASE("the files that hold have checksums, whatever the order of the listeners") {
  Doors doors;
  const auto before = doors.access->checksums();
  std::vector<ListenerSection> turned{doors.listeners[1], doors.listeners[0]};
  Access other(nullptr, turned);
  CHECK(other.checksums() != before);  // nothing holds before the files are read
  REQUIRE(other.reload());
  CHECK(other.checksums() == before);
  doors.write("acl", "user alice\ntopic read b/#\n");
  CHECK(doors.access->checksums() == before);
  REQUIRE(doors.access->reload());
  CHECK(doors.access->checksums().at("acl_file") != before.at("acl_file"));
  CHECK(doors.access->checksums().at("password_file") == before.at("password_file"));
}

TEST_CASE("no rules anywhere cost nothing") {
  std::vector<ListenerSection> listeners(1);
  CHECK(Access(nullptr, listeners).permissions() == nullptr);
}

TEST_CASE("whom a certificate names needs no password") {
  Doors doors;
  const mqtt::Connect packet = connect_of_alice("wrong");
  std::optional<Reason> answer;
  const auto take = [&](const Verdict& verdict) { answer = verdict.reason; };
  CHECK(doors.access->begin(Credentials(0, packet, "bob"), take) == 0);
  CHECK(answer == Reason::success);
}

TEST_CASE("who is removed, or has another password, is welcome no more") {
  Doors doors;
  const std::string alice = kAlice;
  const std::string bob = "bob" + alice.substr(alice.find(':'));
  doors.write("passwords", alice + bob);
  REQUIRE(doors.access->reload());
  CHECK(doors.access->still_welcome(0, "alice", nullptr));
  CHECK_FALSE(doors.access->still_welcome(0, "bob", nullptr));  // he was not there before
  doors.write("acl", "nonsense\n");
  REQUIRE_FALSE(doors.access->reload());  // changes nothing, and nobody's password
  CHECK(doors.access->still_welcome(0, "bob", nullptr));
  doors.write("acl", "user alice\ntopic read a/#\n");
  REQUIRE(doors.access->reload());
  CHECK(doors.access->still_welcome(0, "bob", nullptr));
  std::string other = bob;
  other[bob.size() - 10] = 'A';
  doors.write("passwords", alice + other);
  REQUIRE(doors.access->reload());
  CHECK_FALSE(doors.access->still_welcome(0, "bob", nullptr));
  CHECK(doors.access->still_welcome(0, "alice", nullptr));
  doors.write("passwords", other);
  REQUIRE(doors.access->reload());
  CHECK_FALSE(doors.access->still_welcome(0, "alice", nullptr));
  CHECK(doors.access->still_welcome(0, "", nullptr));  // anonymous
  CHECK(doors.access->still_welcome(1, "alice", nullptr));
}

TEST_CASE("a password that was changed while it was checked is not good any more") {
  Doors doors;
  const mqtt::Connect packet = connect_of_alice("secret");
  std::optional<Reason> answer;
  REQUIRE(doors.access->begin(Credentials(0, packet),
                              [&](const Verdict& verdict) { answer = verdict.reason; }) != 0);
  std::string other = kAlice;
  other[other.size() - 10] = 'A';
  doors.write("passwords", other);
  REQUIRE(doors.access->reload());
  while (!answer) event_base_loop(doors.base, EVLOOP_ONCE);
  CHECK(answer == Reason::bad_username_or_password);
}
