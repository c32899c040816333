// Log-ins by SCRAM-SHA-256 as access decides them.
#include <doctest/doctest.h>
#include <event2/event.h>

#include <fstream>
#include <memory>
#include <optional>

#include "broker/access/access.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/access/scram_client.h"

using namespace tandemq;
using namespace tandemq::broker;
using mqtt::Reason;

namespace {

std::string line_of(const std::string& user, const std::string& password, int iterations = 4096) {
  const ScramVerifier made = scram_verifier(password, "0123456789abcdef", iterations);
  return user + ":SCRAM-SHA-256$" + std::to_string(iterations) + ":" + to_base64(made.salt) + "$" +
         to_base64(made.stored_key) + ":" + to_base64(made.server_key) + "\n";
}

// Made by `mosquitto_passwd -b` (2.0.11): password secret.
const char* const kOld =
    "old:$7$101$C9QaBCMqZB+d830O$CjRHekS5LFNjeE6HDyIYfHU+4d8uNc/c+1GK8Nuyi/J8YUmgN+"
    "xDetbig2Lr/rmdk5XbG9LTd9+fQG/2/qU5dw==\n";

struct Said {
  std::string challenge, word;
  Verdict verdict = Reason::success;
};

// Three doors: a password file, users of the journal, and neither.
struct Doors {
  test::TempDir folder;
  core::Accounts kept;
  std::vector<ListenerSection> listeners{3};
  std::unique_ptr<Access> access;

  Doors() {
    write(line_of("anna", "secret") + kOld);
    listeners[0].access.password_file = folder / "passwords";
    listeners[1].access.runtime_users = true;
    const std::string bob = line_of("bob", "bobs");
    kept.users["bob"].password = bob.substr(4, bob.size() - 5);
    access = std::make_unique<Access>(nullptr, listeners, &kept);
    REQUIRE(access->reload());
  }
  void write(const std::string& users) { std::ofstream(folder / "passwords") << users; }

  std::unique_ptr<Exchange> begin(Door door, const char* says = nullptr, std::string shown = {},
                                  std::string_view method = kScramMethod) {
    mqtt::Connect packet;
    packet.has_username = says != nullptr;
    if (says) packet.username = says;
    return access->exchange(Credentials(door, packet, std::move(shown), "10.0.0.1:1"), method);
  }
  static Said run(Exchange& exchange, const test::ScramClient& client) {
    Said said;
    Exchange::Step step = exchange.take(client.first());
    if (!step.verdict) {
      said.challenge = step.data;
      step = exchange.take(client.last(step.data));
    }
    said.word = step.data;
    REQUIRE(step.verdict);
    said.verdict = *step.verdict;
    return said;
  }
  Said come(Door door, const std::string& user, const std::string& password) {
    return run(*begin(door), {user, password});
  }
};

std::string salt_in(const std::string& challenge) {
  return challenge.substr(challenge.find(",s="));
}

}  // namespace

TEST_CASE("SCRAM where passwords are kept, and nowhere else") {
  Doors doors;
  for (const auto& [door, user, password] :
       {std::tuple{Door{0}, "anna", "secret"}, std::tuple{Door{1}, "bob", "bobs"}}) {
    const Said said = doors.come(door, user, password);
    CHECK(said.verdict.reason == Reason::success);
    REQUIRE(said.verdict.pass);
    CHECK(said.verdict.pass->username == user);
    CHECK(said.verdict.pass->by_password);
    CHECK(said.word.starts_with("v="));
  }
  CHECK(doors.come(1, "anna", "secret").verdict.reason == Reason::bad_username_or_password);
  CHECK(doors.begin(2) == nullptr);
  CHECK(doors.begin(0, nullptr, {}, "SCRAM-SHA-1") == nullptr);
  CHECK(doors.begin(0, nullptr, {}, "SCRAM-SHA-256-PLUS") == nullptr);
  CHECK(doors.begin(0, nullptr, {}, "") == nullptr);
}

TEST_CASE("whether a name exists is not told, only the log knows why") {
  Doors doors;
  std::string causes;
  for (const char* user : {"anna", "old", "eve"}) {
    const Said said = doors.come(0, user, "guess");
    CHECK(said.verdict.reason == Reason::bad_username_or_password);
    CHECK(said.word.empty());
    CHECK(salt_in(said.challenge).size() == salt_in(doors.come(0, "anna", "x").challenge).size());
    CHECK(said.challenge.ends_with(",i=4096"));
    CHECK(salt_in(said.challenge) == salt_in(doors.come(0, user, "y").challenge));
    causes += std::string(said.verdict.cause) + "\n";
  }
  CHECK(causes.find("the password is another one\n") == 0);
  CHECK(causes.find("tandemqctl passwd --scram") != std::string::npos);
  CHECK(causes.find("there is no such user") != std::string::npos);
  // The right password of an entry of another kind neither.
  CHECK(doors.come(0, "old", "secret").verdict.reason == Reason::bad_username_or_password);
}

TEST_CASE("a name that nobody has is asked for as much work as those that are kept") {
  Doors doors;
  const auto iterations = [](const Said& said) {
    return said.challenge.substr(said.challenge.find(",i="));
  };
  doors.kept.users["amy"] = {};  // without a password
  doors.kept.users["bob"].password = line_of("", "bobs", 5000).substr(1);
  doors.kept.users["bob"].password.pop_back();
  CHECK(iterations(doors.come(1, "eve", "x")) == ",i=5000");
  doors.write(line_of("anna", "secret", 6000) + kOld);
  REQUIRE(doors.access->reload());
  CHECK(iterations(doors.come(0, "eve", "x")) == ",i=6000");
  const PasswordHash nobody = RuntimeUsers(&doors.kept).of_nobody();
  CHECK(nobody.is_scram());
  CHECK(nobody.iterations == 5000);
  CHECK_FALSE(nobody.matches("bobs"));
  CHECK(RuntimeUsers(nullptr).of_nobody() == PasswordFile::hash_of_nobody());
}

TEST_CASE("both nodes make up the same salt by the pair's secret") {
  Doors one, other;
  const std::string before = salt_in(one.come(0, "eve", "x").challenge);
  CHECK(before != salt_in(other.come(0, "eve", "x").challenge));
  one.access->hide_names_by("the secret of the pair");
  other.access->hide_names_by("the secret of the pair");
  CHECK(salt_in(one.come(0, "eve", "x").challenge) == salt_in(other.come(0, "eve", "x").challenge));
}

TEST_CASE("an exchange is of the user that CONNECT or the certificate names") {
  Doors doors;
  const test::ScramClient anna{"anna", "secret"};
  CHECK(Doors::run(*doors.begin(0, "anna"), anna).verdict.reason == Reason::success);
  CHECK(Doors::run(*doors.begin(0, "bob"), anna).verdict.reason ==
        Reason::bad_username_or_password);
  CHECK(Doors::run(*doors.begin(0, nullptr, "anna"), anna).verdict.reason == Reason::success);
  CHECK(Doors::run(*doors.begin(0, nullptr, "bob"), anna).verdict.reason ==
        Reason::bad_username_or_password);
  const auto exchange = doors.begin(0);
  const Exchange::Step step = exchange->take("hello");
  REQUIRE(step.verdict);
  CHECK(step.verdict->reason == Reason::not_authorized);
}

TEST_CASE("failures by SCRAM and by password are slowed down as one") {
  Doors doors;
  for (int i = 0; i < 6; ++i)
    CHECK(doors.come(0, "anna", "guess").verdict.reason == Reason::bad_username_or_password);
  CHECK(doors.come(0, "anna", "secret").verdict.reason == Reason::connection_rate_exceeded);
  CHECK(doors.access->figures().slowed == 1);
  mqtt::Connect packet;
  packet.has_username = true;
  packet.username = "anna";
  packet.password = "secret";
  std::optional<Reason> answer;
  CHECK(doors.access->begin(Credentials(0, packet, {}, "10.0.0.1:2"),
                            [&](const Verdict& verdict) { answer = verdict.reason; }) == 0);
  CHECK(answer == Reason::connection_rate_exceeded);
}

TEST_CASE("of many guesses under way at once most are refused unseen") {
  Doors doors;
  std::vector<std::unique_ptr<Exchange>> all;
  std::vector<std::string> answers;
  const test::ScramClient wrong{"anna", "guess"}, right{"anna", "secret"};
  for (int i = 0; i < 20; ++i) {
    all.push_back(doors.begin(0));
    const Exchange::Step step = all.back()->take(wrong.first());
    REQUIRE_FALSE(step.verdict);
    answers.push_back((i < 19 ? wrong : right).last(step.data));
  }
  std::size_t slowed = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Exchange::Step step = all[i]->take(answers[i]);
    REQUIRE(step.verdict);
    CHECK(step.verdict->reason != Reason::success);
    slowed += step.verdict->reason == Reason::connection_rate_exceeded;
  }
  CHECK(slowed == 14);
}

TEST_CASE("a password that is changed, or a user that goes, during an exchange") {
  Doors doors;
  const test::ScramClient anna{"anna", "secret"}, bob{"bob", "bobs"};
  const auto exchange = doors.begin(0);
  const std::string challenge = exchange->take(anna.first()).data;
  doors.write(line_of("anna", "another"));
  REQUIRE(doors.access->reload());
  CHECK(exchange->take(anna.last(challenge)).verdict->reason == Reason::bad_username_or_password);
  for (const bool disable : {true, false}) {
    const auto other = doors.begin(1);
    const std::string asked = other->take(bob.first()).data;
    disable ? void(doors.kept.users["bob"].enabled = false) : void(doors.kept.users.erase("bob"));
    CHECK(other->take(bob.last(asked)).verdict->reason == Reason::bad_username_or_password);
    doors.kept.users["bob"].enabled = true;
  }
}

TEST_CASE("who came in by SCRAM is reviewed as who came in by its password") {
  Doors doors;
  const PassRef pass = doors.come(0, "anna", "secret").verdict.pass;
  REQUIRE(doors.access->reload());
  CHECK(doors.access->still_welcome(0, "anna", pass.get()));
  doors.write(line_of("anna", "another"));
  REQUIRE(doors.access->reload());
  CHECK_FALSE(doors.access->still_welcome(0, "anna", pass.get()));
}

TEST_CASE("a password in clear is checked against an entry of SCRAM, beside the loop") {
  Doors doors;
  event_base* const base = event_base_new();
  {
    Access access(base, doors.listeners, &doors.kept);
    REQUIRE(access.reload());
    const auto ask = [&](const char* user, const char* password) {
      mqtt::Connect packet;
      packet.has_username = true;
      packet.username = user;
      packet.password = password;
      std::optional<Reason> answer;
      const auto ticket =
          access.begin(Credentials(0, packet), [&](const Verdict& v) { answer = v.reason; });
      CHECK(ticket != 0);
      while (!answer) event_base_loop(base, EVLOOP_ONCE);
      return *answer;
    };
    CHECK(ask("anna", "secret") == Reason::success);
    CHECK(ask("anna", "Secret") == Reason::bad_username_or_password);
    CHECK(ask("eve", "secret") == Reason::bad_username_or_password);
    CHECK(ask("old", "secret") == Reason::success);
  }
  event_base_free(base);
}
