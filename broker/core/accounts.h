// Users and roles that are kept in the journal and changed while the broker runs
// (docs/decisions/runtime-users.md). What a rule or a password entry says is not the core's: it
// keeps them as text, which broker/access reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tandemq::core {

enum class AccountKind : std::uint8_t { user = 1, role = 2 };

struct Account {
  bool enabled = true;             // of a user
  std::string password;            // of a user, as behind the colon of a password file's line
  std::vector<std::string> lines;  // names of a user's roles, or rules of a role; each once
};

struct Accounts {
  using Named = std::map<std::string, Account, std::less<>>;
  Named users, roles;

  Named& of(AccountKind kind) { return kind == AccountKind::user ? users : roles; }
  const Named& of(AccountKind kind) const { return kind == AccountKind::user ? users : roles; }
};

// What decide allows (apply knows no limits): the memory of them all is bounded by these.
constexpr std::size_t kUsersMax = 10'000;
constexpr std::size_t kRolesMax = 1'000;
constexpr std::size_t kRolesOfUserMax = 20;
constexpr std::size_t kRulesOfRoleMax = 100;
constexpr std::size_t kAccountNameMax = 255;    // bytes
constexpr std::size_t kAccountLineMax = 500;    // bytes of a rule
constexpr std::size_t kPasswordEntryMax = 500;  // bytes

// A change that somebody wants. Rules and password entries have been read by who gives it.
struct AccountOrder {
  enum class What : std::uint8_t { add, remove, password, enable, disable, grant, revoke };
  What what = What::add;
  AccountKind kind = AccountKind::user;
  std::string name;
  std::string password;            // an entry: of add (may be empty: nobody logs in) and password
  std::vector<std::string> lines;  // roles or rules: of add, grant and revoke
};

}  // namespace tandemq::core
