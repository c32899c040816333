// Users and roles of the journal at the doors: who comes in, and what they may do.
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
using core::AccountKind;
using core::AccountOrder;
using mqtt::Reason;
using What = AccountOrder::What;

namespace {

// Made by `mosquitto_passwd -b` (2.0.11): password secret.
const std::string kSecret =
    "$7$101$C9QaBCMqZB+d830O$CjRHekS5LFNjeE6HDyIYfHU+4d8uNc/c+1GK8Nuyi/J8YUmgN+"
    "xDetbig2Lr/rmdk5XbG9LTd9+fQG/2/qU5dw==";

// Door 0 knows the users of the journal and a file's, with rules; 1 the file's alone; 2 those of
// the journal alone, and no rules; 3 those of the journal, by password, token or certificate, and
// rules for others; 4 the same by token, and no rules.
struct Doors {
  event_base* base = event_base_new();
  test::TempDir folder;
  core::Accounts kept;
  test::Signer signer{"HS256", "one"};
  std::vector<ListenerSection> listeners{5};
  std::unique_ptr<Access> access;

  Doors() {
    std::ofstream(folder / "passwords") << "filed:" << kSecret << "\n";
    std::ofstream(folder / "acl")
        << "topic write all/#\nuser filed\ntopic read f/#\n"
           "user anna\ntopic readwrite #\nuser other\ntopic write all/#\n";
    listeners[0].access = {std::nullopt, folder / "passwords", folder / "acl"};
    listeners[1].access = listeners[0].access;
    listeners[0].access.runtime_users = listeners[2].access.runtime_users = true;
    std::ofstream(folder / "keys") << signer.set();
    listeners[3].access.acl_file = folder / "acl";
    listeners[3].access.runtime_users = true;
    listeners[3].access.tokens.keys_file = folder / "keys";
    listeners[4].access = listeners[3].access;
    listeners[4].access.acl_file.clear();
    listeners[3].tls.certificate_username = net::CertificateName::common_name;
    for (std::size_t i = 0; i < 5; ++i) listeners[i].name = std::to_string(i);
    access = std::make_unique<Access>(base, listeners, &kept);
    REQUIRE(access->reload());
    kept.roles["meters"] = {true, "", {"topic read m/#", "pattern write own/%u/#"}};
    kept.roles["quiet"] = {true, "", {"topic deny m/secret"}};
    kept.users["anna"] = {true, kSecret, {"meters"}};
    access->accounts_changed();
  }
  ~Doors() {
    access.reset();
    event_base_free(base);
  }
  Reason ask(Door door, const char* user, const std::string& password = "secret",
             const char* certificate = "") {
    mqtt::Connect packet;
    packet.has_username = true;
    packet.username = user;
    packet.password = password;
    std::optional<Reason> answer;
    (void)access->begin(Credentials(door, packet, certificate),
                        [&](const Verdict& verdict) { answer = verdict.reason; });
    while (!answer) event_base_loop(base, EVLOOP_ONCE);
    return *answer;
  }
  bool reads(const char* door, const char* user, const char* topic) {
    const core::GrantsRef grants = access->decide(door, "client", user);
    return !grants || grants->may_receive(topic);
  }
};

}  // namespace

TEST_CASE("users of the journal come in where the listener says so") {
  Doors doors;
  CHECK(doors.ask(0, "anna") == Reason::success);
  CHECK(doors.ask(0, "anna", "other") == Reason::bad_username_or_password);
  CHECK(doors.ask(1, "anna") == Reason::bad_username_or_password);
  CHECK(doors.ask(2, "anna") == Reason::success);
  CHECK(doors.ask(0, "filed") == Reason::success);
  CHECK(doors.ask(2, "filed") == Reason::bad_username_or_password);
  doors.kept.users["anna"].enabled = false;
  CHECK(doors.ask(0, "anna") == Reason::bad_username_or_password);
  doors.kept.users["anna"] = {true, "", {}};
  CHECK(doors.ask(0, "anna", "") == Reason::bad_username_or_password);
}

TEST_CASE("they may do what their roles say and nothing else, at once") {
  Doors doors;
  const auto before = doors.access->revision();
  CHECK(doors.reads("0", "anna", "m/1"));
  CHECK_FALSE(doors.reads("0", "anna", "x"));  // the file's rules are for others
  CHECK_FALSE(doors.reads("2", "anna", "x"));
  const core::GrantsRef grants = doors.access->decide("2", "client", "anna");
  CHECK(grants->may_publish("own/anna/1"));
  CHECK_FALSE(grants->may_publish("own/eve/1"));
  doors.kept.users["anna"].lines.push_back("quiet");
  doors.access->accounts_changed();
  CHECK(doors.access->revision() != before);
  CHECK_FALSE(doors.reads("2", "anna", "m/secret"));
  CHECK(doors.reads("2", "anna", "m/1"));
  doors.kept.roles["meters"].lines.erase(doors.kept.roles["meters"].lines.begin());
  doors.access->accounts_changed();
  CHECK_FALSE(doors.reads("2", "anna", "m/1"));
  doors.kept.users["anna"].enabled = false;
  CHECK_FALSE(doors.access->decide("2", "client", "anna")->may_publish("own/anna/1"));
}

TEST_CASE("a change of one role has only that one read again") {
  Doors doors;
  doors.kept.users["anna"].lines.push_back("quiet");
  CHECK_FALSE(doors.reads("2", "anna", "m/secret"));
  doors.kept.roles["meters"].lines = {"topic read n/#"};
  doors.kept.roles["quiet"].lines = {"not a rule"};  // nobody has said so
  doors.access->account_changed(core::AccountKind::role, "meters", "");
  CHECK(doors.reads("2", "anna", "n/1"));
  CHECK_FALSE(doors.reads("2", "anna", "m/1"));
  doors.access->account_changed(core::AccountKind::role, "quiet", "");
  CHECK_FALSE(doors.reads("2", "anna", "n/1"));
}

TEST_CASE("who has no role, or was removed, may do nothing") {
  Doors doors;
  doors.kept.users["bare"] = {true, kSecret, {}};
  CHECK_FALSE(doors.reads("2", "bare", "m/1"));
  CHECK_FALSE(doors.reads("2", "gone", "m/1"));
  CHECK_FALSE(doors.reads("0", "gone", "all/1"));
  CHECK_FALSE(doors.reads("4", "gone", "m/1"));  // it had its roles, and no more
  CHECK(doors.reads("4", "anna", "m/1"));
  CHECK(doors.reads("0", "filed", "f/1"));
}

TEST_CASE("who proves such a name by token or certificate is that user") {
  Doors doors;
  const std::string ends = std::to_string(std::time(nullptr) + 100);
  const auto by_token = [&](const std::string& user) {
    return doors.ask(3, user.c_str(),
                     doors.signer.token(R"({"sub":")" + user + R"(","exp":)" + ends + "}"));
  };
  const auto by_certificate = [&](const char* user) { return doors.ask(3, "", "", user); };
  for (const char* user : {"anna", "other"}) {
    CHECK(by_token(user) == Reason::success);
    CHECK(by_certificate(user) == Reason::success);
  }
  CHECK(doors.ask(3, "anna") == Reason::success);
  CHECK(doors.reads("3", "anna", "m/1"));
  CHECK_FALSE(doors.reads("3", "anna", "x"));
  const core::GrantsRef others = doors.access->decide("3", "client", "other");
  REQUIRE(others);
  CHECK(others->may_publish("all/1"));  // as the rules say
  doors.kept.users["anna"].enabled = false;
  CHECK(by_token("anna") == Reason::not_authorized);
  CHECK(by_certificate("anna") == Reason::not_authorized);
}

TEST_CASE("only the one who was changed is not welcome any more") {
  Doors doors;
  doors.kept.users["bob"] = {true, kSecret, {}};
  doors.access->account_changed(core::AccountKind::user, "bob", "bob");
  CHECK(doors.access->sent_away(0, "bob"));
  CHECK_FALSE(doors.access->sent_away(1, "bob"));  // another one, of the files alone
  CHECK_FALSE(doors.access->sent_away(0, "anna"));
  CHECK(doors.access->still_welcome(0, "anna", nullptr));
  CHECK(doors.access->still_welcome(0, "filed", nullptr));
  SUBCASE("until the files are read again") {}
  SUBCASE("until they cannot be read") {
    std::ofstream(doors.folder / "acl") << "nonsense\n";
    REQUIRE_FALSE(doors.access->reload());
    CHECK_FALSE(doors.access->sent_away(0, "bob"));
    return;
  }
  REQUIRE(doors.access->reload());
  CHECK_FALSE(doors.access->sent_away(0, "bob"));
  CHECK(doors.access->still_welcome(0, "bob", nullptr));  // the files say nothing of him
}

TEST_CASE("an order whose rule or password cannot be read names what to write") {
  Doors doors;
  const std::pair<AccountOrder, const char*> wrong[] = {
      {{What::grant, AccountKind::role, "r", "", {"topic a/#/b"}}, "is no topic filter"},
      {{What::grant, AccountKind::role, "r", "", {"user anna"}}, "write `topic"},
      {{What::grant, AccountKind::role, "r", "", {"topic a\ntopic b"}}, "more than one line"},
      {{What::add, AccountKind::user, "u", "secret", {}}, "$7$iterations"},
      {{What::password, AccountKind::user, "u", "", {}}, "no password is given"},
      {{What::add, AccountKind::user, "filed", kSecret, {}}, "which goes first"},
      {{What::disable, AccountKind::user, "filed", "", {}}, "which goes first"},
  };
  for (const auto& [order, words] : wrong) {
    AccountOrder asked = order;
    const Status done = doors.access->check(asked);
    REQUIRE_FALSE(done);
    CHECK_MESSAGE(done.error().message.find(words) != std::string::npos, done.error().message);
  }
  AccountOrder good{What::grant, AccountKind::role, "r", "", {"  topic\t read   a b/# "}};
  good.lines.push_back("topic  a  b");  // the spaces in a filter are its own
  REQUIRE(doors.access->check(good));
  CHECK(good.lines == std::vector<std::string>{"topic read a b/#", "topic a  b"});
}
