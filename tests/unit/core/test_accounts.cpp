// Users and roles in the journal: what an order comes to, and that both nodes have the same.
#include "tests/unit/core/rig.h"

using namespace tandemq;
using namespace tandemq::core;
using namespace tandemq::core::test;
using What = AccountOrder::What;

namespace {

constexpr AccountKind kUser = AccountKind::user;
constexpr AccountKind kRole = AccountKind::role;

struct Book {
  Rig rig;

  std::string order(const AccountOrder& wanted) {
    const Lsn before = rig.state->meta().lsn;
    const Status done = rig.engine->change_account(wanted, rig.out);
    CHECK(rig.state->meta().lsn == before + (done ? 1 : 0));
    rig.settle();
    return done ? "" : done.error().message;
  }
  const Account* find(AccountKind kind, const std::string& name) {
    const auto& named = rig.state->accounts().of(kind);
    const auto found = named.find(name);
    return found == named.end() ? nullptr : &found->second;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Book, "a user and its role, from the first to the last order") {
  CHECK(order({What::add, kRole, "meters", "", {"topic write m/#"}}) == "");
  CHECK(order({What::add, kUser, "anna", "$7$one", {"meters"}}) == "");
  CHECK(order({What::grant, kRole, "meters", "", {"topic read n/#", "topic write m/#"}}) == "");
  CHECK(find(kRole, "meters")->lines ==
        std::vector<std::string>{"topic write m/#", "topic read n/#"});
  CHECK(order({What::password, kUser, "anna", "$7$two", {}}) == "");
  CHECK(order({What::disable, kUser, "anna", "", {}}) == "");
  REQUIRE(find(kUser, "anna") != nullptr);
  CHECK(find(kUser, "anna")->password == "$7$two");
  CHECK_FALSE(find(kUser, "anna")->enabled);
  CHECK(find(kUser, "anna")->lines == std::vector<std::string>{"meters"});
  CHECK(order({What::enable, kUser, "anna", "", {}}) == "");
  CHECK(find(kUser, "anna")->enabled);
  CHECK(order({What::revoke, kUser, "anna", "", {"meters"}}) == "");
  CHECK(order({What::remove, kRole, "meters", "", {}}) == "");
  CHECK(order({What::remove, kUser, "anna", "", {}}) == "");
  CHECK(rig.state->figures().users == 0);
  CHECK(rig.state->figures().roles == 0);
}

TEST_CASE_FIXTURE(Book, "what cannot be is refused in a sentence with a remedy") {
  REQUIRE(order({What::add, kRole, "r", "", {"topic a"}}) == "");
  REQUIRE(order({What::add, kUser, "u", "", {"r"}}) == "");
  const std::pair<AccountOrder, const char*> wrong[] = {
      {{What::add, kUser, "u", "", {}}, "is there already"},
      {{What::add, kUser, "", "", {}}, "is empty"},
      {{What::add, kUser, "a\nb", "", {}}, "control characters"},
      {{What::add, kUser, "\xff", "", {}}, "UTF-8"},
      {{What::add, kUser, " v", "", {}}, "begins or ends with a blank"},
      {{What::add, kUser, std::string(256, 'x'), "", {}}, "longer than 255"},
      {{What::add, kUser, "v", std::string(501, 'x'), {}}, "longer than 500"},
      {{What::add, kUser, "v", "", {"none"}}, "no role 'none'; add it first"},
      {{What::grant, kRole, "r", "", {std::string(501, 'x')}}, "longer than 500"},
      {{What::remove, kUser, "v", "", {}}, "there is no user 'v'"},
      {{What::disable, kUser, "v", "", {}}, "there is no user 'v'"},
      {{What::remove, kRole, "r", "", {}}, "held by user 'u'; revoke it there first"},
      {{What::revoke, kRole, "r", "", {"topic b"}}, "does not have 'topic b'"},
  };
  for (const auto& [wanted, words] : wrong) {
    const std::string why = order(wanted);
    CHECK_MESSAGE(why.find(words) != std::string::npos, why);
  }
  CHECK(rig.state->figures().users == 1);
}

TEST_CASE_FIXTURE(Book, "each number has its end") {
  std::vector<std::string> rules;
  for (std::size_t i = 0; i <= kRulesOfRoleMax; ++i) rules.push_back("topic " + std::to_string(i));
  CHECK(order({What::add, kRole, "r", "", rules}).find("more than 100 rules") != std::string::npos);
  rules.pop_back();
  CHECK(order({What::add, kRole, "r", "", rules}) == "");
  for (std::size_t i = 1; i < kRolesMax; ++i)
    REQUIRE(order({What::add, kRole, "r" + std::to_string(i), "", {}}) == "");
  CHECK(order({What::add, kRole, "last", "", {}}).find("1000 roles already") != std::string::npos);
}

TEST_CASE_FIXTURE(Book, "a peer that cannot keep users is told, and nothing is written") {
  rig.log.withheld = Kind::account_set;
  CHECK(order({What::add, kUser, "u", "", {}}).find("upgrade it first") != std::string::npos);
}

TEST_CASE("a record that removes nobody does not fit") {
  State state;
  std::string body;
  encode_record(body, AccountSet{{kUser, "u", false, "", {}}, false});
  const Status done = state.apply_encoded(1, Kind::account_set, body);
  REQUIRE_FALSE(done);
  CHECK(done.error().message.find("does not exist here") != std::string::npos);
}
