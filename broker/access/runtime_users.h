// The users and roles of the journal, as log-ins and rights ask for them: password entries and
// rules are text there and read here. docs/decisions/runtime-users.md.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/access/acl.h"
#include "broker/access/password_file.h"
#include "broker/base/result.h"
#include "broker/core/accounts.h"
#include "broker/core/grants.h"

namespace tandemq::broker {

class RuntimeUsers {
 public:
  // `kept` outlives it; null: there are none.
  explicit RuntimeUsers(const core::Accounts* kept) : kept_(kept) {}

  // Whether the passwords and rules of an order can be read; the rules are written as they are
  // kept, with one space between words.
  static Status read(core::AccountOrder& order);

  // Null when there is no such user.
  const core::Account* find(std::string_view name) const;
  // None for a user who is not there, is disabled or has no password.
  std::optional<PasswordHash> password_of(std::string_view name) const;
  // As PasswordFile::of_nobody: like the first user's who has a password.
  PasswordHash of_nobody() const;
  // What its roles allow, and nothing besides. Never null.
  core::GrantsRef grants(const core::Account& user, std::string_view client_id,
                         std::string_view username, bool names_with_slash) const;
  // A role has changed; all may have.
  void forget_rules(std::string_view role);
  void forget_rules() { read_.clear(); }

 private:
  const Acl* rules_of(const std::string& role) const;

  const core::Accounts* kept_;
  // The rules of a role are read once, whoever has it; null: they cannot be read.
  mutable std::map<std::string, std::unique_ptr<const Acl>, std::less<>> read_;
};

// Rights to nothing.
core::GrantsRef no_grants();

}  // namespace tandemq::broker
