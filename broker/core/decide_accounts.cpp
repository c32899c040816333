// Users and roles: what an order comes to, as one record that says how the account is from now on.
#include <algorithm>

#include "broker/core/engine_impl.h"
#include "broker/mqtt/topic.h"

namespace tandemq::core {

namespace {

using What = AccountOrder::What;

bool is_user(const AccountOrder& order) {
  return order.kind == AccountKind::user;
}
std::string quoted(const AccountOrder& order) {
  return (is_user(order) ? "user '" : "role '") + order.name + "'";
}

// Names and lines are printed, one a line, and are parts of topics.
Status check_text(const std::string& what, std::string_view text, std::size_t bytes_max) {
  if (text.empty()) return Error{what + " is empty; name one"};
  if (text.size() > bytes_max)
    return Error{what + " is longer than " + std::to_string(bytes_max) + " bytes; shorten it"};
  const bool controls =
      std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (controls || !mqtt::valid_utf8(text))
    return Error{what + " has control characters or is not UTF-8; leave them out"};
  if (text.front() == ' ' || text.back() == ' ')
    return Error{what + " begins or ends with a blank; leave it out"};
  return Done{};
}

Status check_order(const AccountOrder& order) {
  Status sound = check_text(is_user(order) ? "the user's name" : "the role's name", order.name,
                            kAccountNameMax);
  for (const std::string& line : order.lines) {
    if (sound)
      sound = check_text(is_user(order) ? "a role's name" : "a rule", line, kAccountLineMax);
  }
  if (sound && order.password.size() > kPasswordEntryMax) {
    return Error{"the password's entry is longer than " + std::to_string(kPasswordEntryMax) +
                 " bytes; make it with a shorter salt"};
  }
  return sound;
}

Status grant(const Accounts& all, const AccountOrder& order, Account& account) {
  const std::size_t most = is_user(order) ? kRolesOfUserMax : kRulesOfRoleMax;
  for (const std::string& line : order.lines) {
    if (is_user(order) && !all.roles.contains(line))
      return Error{"there is no role '" + line + "'; add it first"};
    auto& lines = account.lines;
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
    if (lines.size() > most) {
      return Error{quoted(order) + " would have more than " + std::to_string(most) +
                   (is_user(order) ? " roles; put their rules into fewer"
                                   : " rules; put some into another role")};
    }
  }
  return Done{};
}

Status revoke(const AccountOrder& order, Account& account) {
  for (const std::string& line : order.lines) {
    if (std::erase(account.lines, line) == 0)
      return Error{quoted(order) + " does not have '" + line + "'; show it to see what it has"};
  }
  return Done{};
}

// A role that somebody has stays: its user would lose what it denies as well.
Status check_unused(const Accounts& all, const AccountOrder& order) {
  if (is_user(order)) return Done{};
  for (const auto& [name, user] : all.users) {
    if (std::find(user.lines.begin(), user.lines.end(), order.name) != user.lines.end())
      return Error{quoted(order) + " is held by user '" + name + "'; revoke it there first"};
  }
  return Done{};
}

Status check_room(const Accounts& all, const AccountOrder& order) {
  const std::size_t most = is_user(order) ? kUsersMax : kRolesMax;
  if (all.of(order.kind).size() < most) return Done{};
  return Error{"there are " + std::to_string(most) + (is_user(order) ? " users" : " roles") +
               " already, which is the most; remove some"};
}

// Of an account that is there; it is changed in `account`.
Status change(const Accounts& all, const AccountOrder& order, Account& account) {
  switch (order.what) {
    case What::password:
      account.password = order.password;
      return Done{};
    case What::enable:
    case What::disable:
      account.enabled = order.what == What::enable;
      return Done{};
    case What::grant:
      return grant(all, order, account);
    case What::revoke:
      return revoke(order, account);
    case What::remove:
      return check_unused(all, order);
    case What::add:
      break;
  }
  return Error{quoted(order) + " is there already"};
}

// How the account is afterwards; unsaid where it is removed.
Result<Account> outcome(const Accounts& all, const AccountOrder& order) {
  Status sound = check_order(order);
  if (!sound) return sound.error();
  const auto found = all.of(order.kind).find(order.name);
  const bool exists = found != all.of(order.kind).end();
  if (!exists && order.what != What::add)
    return Error{"there is no " + quoted(order) + "; list them to see who there is"};
  Account account = exists ? found->second : Account{true, order.password, {}};
  if (exists) {
    sound = change(all, order, account);
  } else {
    sound = check_room(all, order);
    if (sound) sound = grant(all, order, account);
  }
  if (!sound) return sound.error();
  return account;
}

}  // namespace

Status Engine::change_account(const AccountOrder& order, Effects& out) {
  Impl& e = *impl_;
  if (e.committer.writes(Kind::account_set) == 0) {
    return Error{
        "the other node was never met, or cannot keep users and roles yet; start it, and upgrade "
        "it first"};
  }
  const Result<Account> now = outcome(e.s.accounts, order);
  if (!now) return now.error();
  AccountSet record;
  record.account = {order.kind, order.name, now->enabled, now->password, {}};
  record.account.lines.assign(now->lines.begin(), now->lines.end());
  record.exists = order.what != What::remove;
  if (!record.exists) record.account = {order.kind, order.name, false, {}, {}};
  e.commit(kNoSession, record, out);
  return Done{};
}

}  // namespace tandemq::core
