#include "failover/ctl/account_commands.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "failover/ctl/line_client.h"

namespace tandemq::failover {
namespace {

using nlohmann::json;

constexpr int kQuestionMs = 2000;
constexpr int kOrderMs = 15000;  // the other node is to have it, too

std::string joined(const json& names) {
  std::string out;
  for (const json& one : names) out += (out.empty() ? "" : ", ") + one.get<std::string>();
  return out;
}

std::string state_of(const json& user) {
  return std::string(user.value("enabled", false) ? "enabled" : "DISABLED") +
         (user.value("has_password", false) ? "" : ", no password");
}

void print_line(const json& one, bool user) {
  const std::string name = one.value("name", "");
  const std::string rest = user ? state_of(one) + "  " + joined(one.value("roles", json::array()))
                                : std::to_string(one.value("rules", 0)) + " rules";
  std::printf("%-24s  %s\n", name.c_str(), rest.c_str());
}

void print_whole(const json& one, bool user) {
  if (user) {
    std::printf("user   %s\nstate  %s\nroles  %s\n", one.value("name", "").c_str(),
                state_of(one).c_str(), joined(one.value("roles", json::array())).c_str());
    return;
  }
  std::printf("role   %s\n", one.value("name", "").c_str());
  for (const json& rule : one.value("rules", json::array()))
    std::printf("  %s\n", rule.get<std::string>().c_str());
}

// `topic read a/#` may be given as one argument or as its words.
void join_words(std::vector<std::string>& rules) {
  if (rules.empty() || (rules.front() != "topic" && rules.front() != "pattern")) return;
  std::string rule;
  for (const std::string& word : rules) rule += (rule.empty() ? "" : " ") + word;
  rules = {rule};
}

}  // namespace

AccountCommands::AccountCommands(CLI::App& app, AccountAsking asking) : asking_(asking) {
  add_users(app);
  add_roles(app);
}

CLI::App* AccountCommands::add_command(CLI::App& under, const char* name, const char* what) {
  CLI::App* const command = under.add_subcommand(name, what);
  command->fallthrough();
  if (std::string(name) != "list") command->add_option("name", name_, "who")->required();
  return command;
}

void AccountCommands::add_users(CLI::App& app) {
  users_ = app.add_subcommand("user", "users that both nodes keep, changed while they serve");
  users_->require_subcommand(1);
  CLI::App* const add = add_command(*users_, "add", "a new user, with a password and these roles");
  password_.add_to(*add);
  add->add_flag("--no-password", no_password_, "it comes by its certificate, or not yet");
  add->add_option("roles", lines_, "names of roles");
  add_command(*users_, "remove", "the user is no more, and its clients are sent away");
  add_command(*users_, "list", "all users");
  add_command(*users_, "show", "a user and its roles");
  password_.add_to(*add_command(
      *users_, "password", "another password; clients that came in by the old one are sent away"));
  add_command(*users_, "enable", "the user may log in again");
  add_command(*users_, "disable", "the user is kept and not let in; its clients are sent away");
  for (const auto& [verb, what] : {std::pair{"grant", "the user has these roles as well"},
                                   std::pair{"revoke", "the user has these roles no more"}})
    add_command(*users_, verb, what)->add_option("roles", lines_, "names of roles")->required();
}

void AccountCommands::add_roles(CLI::App& app) {
  const char* const rules = "lines as of an acl_file, each in quotes: 'topic read a/#'";
  roles_ = app.add_subcommand("role", "what users of tandemqctl user may do");
  roles_->require_subcommand(1);
  add_command(*roles_, "add", "a new role, with these rules")->add_option("rules", lines_, rules);
  add_command(*roles_, "remove", "the role is no more; refused while a user has it");
  add_command(*roles_, "list", "all roles");
  add_command(*roles_, "show", "a role and its rules");
  for (const auto& [verb, what] : {std::pair{"grant", "the role has these rules as well"},
                                   std::pair{"revoke", "the role has these rules no more"}})
    add_command(*roles_, verb, what)->add_option("rules", lines_, rules)->required();
}

bool AccountCommands::parsed() const {
  return users_->parsed() || roles_->parsed();
}

Result<int> AccountCommands::run() {
  const std::string kind = users_->parsed() ? "user" : "role";
  const std::string verb =
      (users_->parsed() ? users_ : roles_)->get_subcommands().front()->get_name();
  if (verb == "list") return list(kind);
  if (verb == "show") return show(kind);
  return change(kind, verb);
}

Result<json> AccountCommands::ask_broker(const json& request, int timeout_ms) const {
  return ask(asking_.broker_socket, request,
             asking_.timeout_ms != 0 ? asking_.timeout_ms : timeout_ms);
}

Result<int> AccountCommands::change(const std::string& kind, const std::string& verb) {
  if (kind == "role") join_words(lines_);
  json request{
      {"cmd", "account"}, {"do", verb}, {"kind", kind}, {"name", name_}, {"lines", lines_}};
  const bool wants_password = verb == "password" || (verb == "add" && !no_password_);
  if (kind == "user" && wants_password) {
    const Result<std::string> entry = password_.read_entry(name_);
    if (!entry) return entry.error();
    request["password"] = *entry;
  }
  const Result<json> answer = ask_broker(request, kOrderMs);
  if (!answer) return answer.error();
  if (asking_.as_json) {
    std::printf("%s\n", json{{"ok", true}}.dump(2).c_str());
  } else {
    std::printf("%s %s: done\n", kind.c_str(), verb.c_str());
  }
  return 0;
}

// A page after the other: they change meanwhile, but none that stays is left out.
Result<int> AccountCommands::list(const std::string& kind) {
  json all = json::array();
  json request{{"cmd", "accounts"}, {"kind", kind}};
  for (bool more = true; more;) {
    const Result<json> page = ask_broker(request, kQuestionMs);
    if (!page) return page.error();
    const json found = page->value("accounts", json::array());
    more = page->value("more", false) && !found.empty();
    for (const json& one : found) all.push_back(one);
    if (more) request["after"] = found.back().value("name", "");
  }
  if (asking_.as_json) {
    std::printf("%s\n", json{{"ok", true}, {kind + "s", all}}.dump(2).c_str());
  } else {
    for (const json& one : all) print_line(one, kind == "user");
  }
  return 0;
}

Result<int> AccountCommands::show(const std::string& kind) {
  const Result<json> answer =
      ask_broker({{"cmd", "accounts"}, {"kind", kind}, {"name", name_}}, kQuestionMs);
  if (!answer) return answer.error();
  const json one = answer->value("accounts", json::array({json::object()})).front();
  if (asking_.as_json) {
    std::printf("%s\n", json{{"ok", true}, {kind, one}}.dump(2).c_str());
  } else {
    print_whole(one, kind == "user");
  }
  return 0;
}

}  // namespace tandemq::failover
