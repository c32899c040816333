// Tokens at the door: who is let in by them, and who stays when the keys change.
#include <doctest/doctest.h>
#include <event2/event.h>

#include <ctime>
#include <fstream>
#include <optional>

#include "broker/access/access.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/access/token_maker.h"

using namespace tandemq;
using namespace tandemq::broker;
using mqtt::Reason;

namespace {

struct Door0 {
  event_base* base = event_base_new();
  test::TempDir folder;
  test::Signer one{"HS256", "one"}, two{"HS256", "two"};
  std::vector<ListenerSection> listeners{1};
  std::unique_ptr<Access> access;

  explicit Door0(bool with_passwords = false, std::optional<bool> anonymous = {}) {
    write("keys", "{\"keys\":[" + one.jwk() + "," + two.jwk() + "]}");
    AccessSection& section = listeners[0].access;
    section.allow_anonymous = anonymous;
    section.tokens.keys_file = folder / "keys";
    section.tokens.rights_claim = "acl";
    if (with_passwords) {
      write("passwords",
            "bob:$7$101$C9QaBCMqZB+d830O$CjRHekS5LFNjeE6HDyIYfHU+4d8uNc/c+1GK8Nuyi/J8YUmgN+"
            "xDetbig2Lr/rmdk5XbG9LTd9+fQG/2/qU5dw==\n");  // secret
      section.password_file = folder / "passwords";
    }
    access = std::make_unique<Access>(base, listeners);
    REQUIRE(access->reload());
  }
  ~Door0() {
    access.reset();
    event_base_free(base);
  }
  void write(const char* name, const std::string& text) { std::ofstream(folder / name) << text; }

  static std::string payload(int lasts_s = 100) {
    return R"({"sub":"alice","acl":{"sub":["a/#"]},"exp":)" +
           std::to_string(std::time(nullptr) + lasts_s) + "}";
  }
  static mqtt::Connect connect(std::optional<std::string_view> user, std::string_view password) {
    mqtt::Connect packet;
    packet.client_id = "c";
    packet.has_username = user.has_value();
    packet.username = user.value_or("");
    packet.password = password;
    return packet;
  }
  Verdict ask(std::optional<std::string_view> user, const std::string& password) {
    std::optional<Verdict> answer;
    const auto ticket = access->begin(Credentials(0, connect(user, password), {}, "10.0.0.1:1"),
                                      [&](const Verdict& verdict) { answer = verdict; });
    CHECK((ticket == 0) == answer.has_value());
    while (!answer) event_base_loop(base, EVLOOP_ONCE);
    return *answer;
  }
};

}  // namespace

TEST_CASE("a token lets its user in, with its rights and its end") {
  Door0 door;
  const std::string token = door.one.token(Door0::payload());
  CHECK(door.access->permissions() == door.access.get());  // rights of a token need it
  for (const std::optional<std::string_view> user :
       {std::optional<std::string_view>(), {"alice"}}) {
    const Verdict verdict = door.ask(user, token);
    REQUIRE(verdict.reason == Reason::success);
    REQUIRE(verdict.pass);
    CHECK(verdict.pass->username == "alice");
    CHECK(verdict.pass->lasts_s > 120);
    CHECK(verdict.pass->grants("c")->may_receive("a/b"));
    CHECK_FALSE(verdict.pass->grants("c")->may_receive("b"));
  }
  CHECK(door.ask("bob", token).reason == Reason::bad_username_or_password);
  CHECK(door.ask("alice", "secret").reason == Reason::bad_username_or_password);
  CHECK(door.ask("alice", "").reason == Reason::bad_username_or_password);
  CHECK(door.ask({}, "").reason == Reason::not_authorized);
  const Verdict late = door.ask("alice", door.one.token(Door0::payload(-100)));
  CHECK(late.reason == Reason::bad_username_or_password);
  CHECK(std::string(late.cause) == "the token has expired");
}

TEST_CASE("where anonymous clients may come in, a name alone still proves nothing") {
  Door0 door(false, true);
  CHECK(door.ask({}, "").reason == Reason::success);
  CHECK(door.ask("alice", "").reason == Reason::bad_username_or_password);
}

TEST_CASE("passwords and tokens at one listener") {
  Door0 door(true);
  CHECK(door.ask("bob", "secret").reason == Reason::success);
  CHECK(door.ask("bob", "other").reason == Reason::bad_username_or_password);
  CHECK(door.ask("alice", door.one.token(Door0::payload())).reason == Reason::success);
}

TEST_CASE("who came in by a key that is gone is welcome no more") {
  Door0 door(true);
  const PassRef one = door.ask({}, door.one.token(Door0::payload())).pass;
  const PassRef two = door.ask({}, door.two.token(Door0::payload())).pass;
  door.write("keys", "{");
  const Status broken = door.access->reload();
  REQUIRE_FALSE(broken);
  CHECK(broken.error().message.find("no JSON Web Key Set") != std::string::npos);
  CHECK(door.access->still_welcome(0, "alice", one.get()));
  const auto sums = door.access->checksums();
  door.write("keys", door.two.set());
  REQUIRE(door.access->reload());
  CHECK(door.access->checksums().at("jwt_jwks_file") != sums.at("jwt_jwks_file"));
  CHECK_FALSE(door.access->still_welcome(0, "alice", one.get()));
  CHECK(door.access->still_welcome(0, "alice", two.get()));
}

TEST_CASE("a key that goes while its token is checked lets nobody in") {
  Door0 door;
  std::optional<Verdict> answer;
  REQUIRE(door.access->begin(Credentials(0, Door0::connect({}, door.one.token(Door0::payload()))),
                             [&](const Verdict& verdict) { answer = verdict; }) != 0);
  door.write("keys", door.two.set());
  REQUIRE(door.access->reload());
  while (!answer) event_base_loop(door.base, EVLOOP_ONCE);
  CHECK(answer->reason == Reason::bad_username_or_password);
}

TEST_CASE("a bad token that comes again and again is slowed down, nobody else's is") {
  Door0 door;
  for (int i = 0; i < 6; ++i) door.ask("alice", "no token");
  CHECK(door.ask("alice", "no token").reason == Reason::connection_rate_exceeded);
  CHECK(door.access->figures().slowed > 0);
  CHECK(door.ask("alice", door.one.token(Door0::payload())).reason == Reason::success);
  CHECK(door.ask({}, door.one.token(Door0::payload())).reason == Reason::success);
}
