#include "failover/ctl/acl_check.h"

#include <algorithm>
#include <utility>

#include "broker/access/password_file.h"
#include "broker/config/config.h"
#include "broker/support/text_file.h"

namespace tandemq::failover {
namespace {

using broker::AclAnswer;
using broker::AclQuestion;
using broker::ListenerSection;

constexpr const char* kNoRule = "no rule allows it";

Result<bool> has_in_file(const ListenerSection& listener, const std::string& user) {
  if (listener.access.password_file.empty()) return false;
  const auto file = broker::PasswordFile::load(listener.access.password_file);
  if (!file) return Error{file.error().message, 1};
  return file->find(user) != nullptr;
}

Result<AclFinding> by_roles(const KeptUser& user, const AclQuestion& asked, AclFinding found) {
  if (!user.enabled) {
    found.source = "the user is disabled";
    return found;
  }
  std::string text = "user " + asked.username + "\n";
  for (const KeptUser::Rule& rule : user.rules) text += rule.text + "\n";
  const Result<AclAnswer> answer = broker::explain_acl(text, "roles", asked);
  if (!answer) return Error{answer.error().message, 1};
  found.allowed = answer->allowed;
  found.rule = answer->rule;
  found.source = answer->line == 0
                     ? kNoRule
                     : "role " + user.rules[static_cast<std::size_t>(answer->line) - 2].role;
  return found;
}

Result<AclFinding> by_file(const std::string& path, const AclQuestion& asked, AclFinding found) {
  if (path.empty()) {
    found.allowed = true;
    found.source = "no acl_file is named, so all is allowed";
    return found;
  }
  const Result<std::string> text = read_text_file(path);
  if (!text) return Error{"acl_file " + path + " cannot be read: " + text.error().message, 1};
  const Result<AclAnswer> answer = broker::explain_acl(*text, path, asked);
  if (!answer) return Error{answer.error().message, 1};
  found.allowed = answer->allowed;
  found.rule = answer->rule;
  found.source = answer->line == 0 ? kNoRule : path + ":" + std::to_string(answer->line);
  return found;
}

Result<AclFinding> check_at(const ListenerSection& listener, AclQuestion asked,
                            const AskForUser& kept) {
  AclFinding found{listener.name, false, {}, {}};
  asked.names_with_slash = listener.access.acl_names_with_slash;
  if (listener.access.use_username_as_clientid) asked.client_id = asked.username;
  if (!asked.username.empty() && listener.access.runtime_users) {
    const Result<bool> in_file = has_in_file(listener, asked.username);
    if (!in_file) return in_file.error();
    const Result<KeptUser> user = *in_file ? KeptUser{} : kept(asked.username);
    if (!user) return user.error();
    if (user->exists) return by_roles(*user, asked, std::move(found));
    if (!*in_file && !(listener.proves_names_otherwise() && !listener.access.acl_file.empty())) {
      found.source = "there is no such user";
      return found;
    }
  }
  return by_file(listener.access.acl_file, asked, std::move(found));
}

}  // namespace

Result<std::vector<AclFinding>> check_acl(const AclWish& wish, const AskForUser& kept) {
  const Result<broker::Config> config = broker::load_config(wish.config_file);
  if (!config) return Error{config.error().message, 1};
  const auto& all = config->listeners;
  const bool some_prove =
      std::any_of(all.begin(), all.end(), [](const auto& one) { return one.proves_names(); });
  std::vector<AclFinding> found;
  for (const ListenerSection& one : all) {
    if (!wish.listener.empty() && one.name != wish.listener) continue;
    AclQuestion asked = wish.question;
    if (some_prove && !one.proves_names()) asked.username.clear();  // nobody's word counts there
    Result<AclFinding> here = check_at(one, std::move(asked), kept);
    if (!here) return here.error();
    found.push_back(std::move(here).value());
  }
  if (found.empty()) return Error{"no listener is called '" + wish.listener + "'", 1};
  return found;
}

}  // namespace tandemq::failover
